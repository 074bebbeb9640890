import { hash } from 'node:crypto'
import { GridError } from '../errors.ts'
import type { Value } from '../space/definition.ts'
import { checkKey } from '../space/validation.ts'

/** What is remembered of a command under its idempotency key: an entry of the space like any other. */
export interface Remembered {
  readonly key: string
  readonly command: string
  readonly input: string
  readonly data: unknown
  readonly expiresAt: number
}

const idempotencyKeyLengthMax = 255

/** @throws GridError `invalid_key` */
export function checkIdempotencyKey(key: string): void {
  checkKey(key, 'Idempotency-Key')
  if (key.length > idempotencyKeyLengthMax)
    throw new GridError(
      'invalid_key',
      `Idempotency-Key: at most ${idempotencyKeyLengthMax} characters`,
    )
}

/** Fingerprint of a command's input: SHA-256 of its JSON with sorted fields, 22 characters. */
export function inputFingerprint(input: unknown): string {
  return hash('sha256', JSON.stringify(sorted(input)), 'base64url').slice(0, 22)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sorted(field)]),
  )
}

/** @throws GridError `idempotency_key_reused` when the key stands for another command */
export function checkSameCommand(
  remembered: Pick<Remembered, 'command' | 'input'>,
  command: string,
  input: string,
): void {
  if (remembered.command === command && remembered.input === input) return
  throw new GridError(
    'idempotency_key_reused',
    remembered.command === command
      ? `The idempotency key was used for ${command} with another input`
      : `The idempotency key was used for the command ${remembered.command}`,
  )
}

export const asRemembered = (value: Value): Remembered => value as unknown as Remembered
