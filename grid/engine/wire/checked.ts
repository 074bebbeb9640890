import { GridError } from '../../core/errors.ts'

/**
 * Fields of what was unpacked, each of its type or the whole is damaged. They throw GridError
 * `record_damaged`.
 */

export function checkedList(item: unknown): readonly unknown[] {
  if (!Array.isArray(item)) throw wrong('list', item)
  return item
}

export function checkedText(item: unknown): string {
  if (typeof item !== 'string') throw wrong('text', item)
  return item
}

/** A whole number from 0 on. */
export function checkedCount(item: unknown): number {
  if (!Number.isSafeInteger(item) || (item as number) < 0) throw wrong('count', item)
  return item as number
}

/** A time in ms since the epoch, or whatever else is a finite number. */
export function checkedNumber(item: unknown): number {
  if (!Number.isFinite(item)) throw wrong('number', item)
  return item as number
}

export function checkedBytes(item: unknown): Uint8Array {
  if (!(item instanceof Uint8Array)) throw wrong('bytes', item)
  return item
}

/** A plain object. */
export function checkedObject(item: unknown): Readonly<Record<string, unknown>> {
  const isPlain =
    typeof item === 'object' && item !== null && Object.getPrototypeOf(item) === Object.prototype
  if (!isPlain) throw wrong('object', item)
  return item as Readonly<Record<string, unknown>>
}

const wrong = (expected: string, item: unknown): GridError =>
  new GridError(
    'record_damaged',
    `A record or message has ${item === null ? 'nothing' : `a ${typeof item}`} in the place of a ${expected}`,
  )
