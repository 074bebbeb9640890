import { hash } from 'node:crypto'
import type { HandlerData } from '@spacegrid/grid/core/callback'
import type { Value } from '@spacegrid/grid/core/data-types'
import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import { markTaken } from '@spacegrid/grid/core/outcomes'
import { idempotencyCache } from '@spacegrid/grid/core/shape'
import { type RememberStep, StepKind } from '@spacegrid/grid/core/steps'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { checkKey, taken } from '@spacegrid/grid/core/validation'
import { callersKeyLength } from '@spacegrid/grid/doors/request/callers-key'
import { reservedKeyPrefix } from '@spacegrid/grid/doors/request/request-options'
import { Type } from 'typebox'

/**
 * What is remembered of a command under its idempotency key: an entry of the space like any other.
 */
export interface Remembered {
  readonly key: string
  readonly command: string
  readonly input: string
  readonly data: unknown
  readonly expiresAt: number
}

/** Where they are kept; they expire like any entry. */
export const rememberedCommands: AnyCache = {
  name: idempotencyCache,
  schema: Type.Object({}),
  key: 'key',
  indexes: {},
  expiry: 'expiresAt',
  onExpire: undefined,
}

/** As callers may send it, and what stands before it of those who have said who they are. */
const idempotencyKeyLengthMax = 255 + callersKeyLength

/** Keys of reactions. No door takes them from a caller. */
export const reactionKeyPrefix = reservedKeyPrefix

/**
 * What a reaction does stays known until whoever has sent it has written down that it is done;
 * refusals too, for what is done about them must not be done about anything else.
 */
export const isReactionKey = (key: string | undefined): boolean =>
  key?.startsWith(reactionKeyPrefix) === true

/** Stands before the name of a command of which it is remembered that it was refused. */
const refusedMark = '!'

/** @returns what is remembered of a refused command instead of its name and data */
export const refusedCommand = (command: string): string => `${refusedMark}${command}`

/** The refusal that is remembered, if that is what is remembered. */
export function rememberedRefusal({ command, data }: Remembered): Rejection | undefined {
  if (!command.startsWith(refusedMark)) return undefined
  const { reason, details } = data as { readonly reason: string; readonly details: Value }
  return new Rejection(reason, details)
}

/** @throws GridError `invalid_key` */
export function checkIdempotencyKey(key: string): void {
  checkKey(key, 'Idempotency-Key')
  if (key.length > idempotencyKeyLengthMax)
    throw new GridError(
      'invalid_key',
      `Idempotency-Key: at most ${idempotencyKeyLengthMax} characters`,
    )
}

/**
 * Fingerprint of a command's input: SHA-256 of its JSON with sorted fields, 22 characters. What
 * JSON has no form for but data may be, dates and arrays of numbers, stands under names that no
 * data has.
 * @throws GridError `invalid_input` for what is no data: two inputs that differ in it could not be
 * told apart
 */
export function inputFingerprint(input: unknown, command: string): string {
  const plain = sorted(taken(input, command))
  return hash('sha256', JSON.stringify(plain) ?? '', 'base64url').slice(0, 22)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return { '\0Date': value.getTime() }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    return { [`\0${value.constructor.name}`]: bytes.toString('base64') }
  }
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

/**
 * The step that remembers a command under its key.
 * @param handled what is remembered: what the handler has left, before its answer is made
 * @param hash of the command's partition key, in a space with several partitions
 */
export function rememberStep(
  of: Omit<Remembered, 'data'>,
  handled: HandlerData,
  hash: number | undefined,
): RememberStep {
  const { data, slots } = handled.taken ? markTaken(handled, handled.taken) : handled
  const step: RememberStep = { kind: StepKind.remember, ...of, data, slots }
  return hash === undefined ? step : { ...step, hash }
}

export const asRemembered = (value: Value): Remembered => value as unknown as Remembered
