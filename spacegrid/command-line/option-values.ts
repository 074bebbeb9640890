import { InvalidArgumentError } from 'commander'

const digits = /^\d+$/

/** A whole number within bounds; without an upper one, any that is exact. */
export const whole =
  (least: number, most: number = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (digits.test(text) && value >= least && value <= most) return value
    const bounds = most === Number.MAX_SAFE_INTEGER ? `${least} on` : `${least} to ${most}`
    throw new InvalidArgumentError(`It must be a whole number from ${bounds}.`)
  }

/** Several of them, separated by commas. */
export const list =
  <T>(read: (text: string) => T) =>
  (text: string): T[] =>
    text.split(',').map((part) => read(part.trim()))
