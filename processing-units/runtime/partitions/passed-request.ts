import type { Acknowledgement } from '@spacegrid/grid/core/definition'
import { type ErrorCode, GridError, isErrorCode, Rejection } from '@spacegrid/grid/core/errors'
import type { Caller, Identity } from '@spacegrid/grid/doors/request/caller'
import type { BatchAnswer, BatchedAnswer } from '@spacegrid/grid/doors/request/serving'
import { type Trace, traceOf } from '@spacegrid/grid/doors/request/trace'
import {
  checkedBytes,
  checkedCount,
  checkedList,
  checkedObject,
  checkedText,
} from '@spacegrid/grid/engine/wire/checked'
import { messagePack } from '@spacegrid/grid/engine/wire/message-pack'
import { unpackRecord } from '@spacegrid/grid/engine/wire/packed-bytes'
import { packMessage, unpackMessage } from '@spacegrid/grid/engine/wire/sealed-message'

/**
 * What one unit asks of another that keeps a partition, and what comes back. Values come back as
 * they were, and errors as they were thrown: what it costs to be asked elsewhere is all that a
 * caller can notice.
 */

const requestFormat = 1
const answerFormat = 1

/**
 * `part`: `name` is what a coordinator asks, `input` what of (`across/part-messages.ts`).
 * `follow`: `input` is a look at what happens, `watch`: what of a query is watched
 * (`passed-look.ts`). `there`: only whether the unit is there; one of an earlier version answers
 * with an error, which says so too. `past`: `input` is what is read of the past (`passed-past.ts`).
 */
export type PassedKind =
  | 'command'
  | 'query'
  | 'entry'
  | 'correction'
  | 'part'
  | 'follow'
  | 'watch'
  | 'queries'
  | 'there'
  | 'past'

export interface PassedRequest {
  readonly kind: PassedKind
  readonly partition: number
  /** Of the command, the query or the cache. */
  readonly name: string
  readonly input: unknown
  readonly idempotencyKey?: string | undefined
  readonly acknowledge?: Acknowledgement | undefined
  /** Position in the partition's log. */
  readonly position?: number | undefined
  readonly latest?: boolean | undefined
  /** ms; `Infinity`: any, but it is to be told. */
  readonly stalenessMs?: number | undefined
  readonly explain?: boolean | undefined
  readonly caller?: Caller | undefined
  /** ms that are left for it. */
  readonly withinMs?: number | undefined
  /** Tells it from all others, where it must not be done twice. */
  readonly id?: string | undefined
}

/** The answer of whoever was asked, or that it does not keep the partition. */
export type PassedAnswer =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly error: GridError }
  | { readonly kind: 'elsewhere' }

const kinds: readonly PassedKind[] = [
  'command',
  'query',
  'entry',
  'correction',
  'part',
  'follow',
  'watch',
  'queries',
  'there',
  'past',
]
const levels: readonly (Acknowledgement | undefined)[] = [
  undefined,
  'accepted',
  'committed',
  'persisted',
]

export function encodeRequest(request: PassedRequest): Uint8Array {
  const { kind, partition, name, input, idempotencyKey, acknowledge, position, latest } = request
  const { caller, withinMs, id, stalenessMs, explain } = request
  return packMessage(requestFormat, [
    kinds.indexOf(kind),
    partition,
    name,
    // A record of its own: its names have nothing to do with ours.
    messagePack.pack(input),
    idempotencyKey ?? null,
    levels.indexOf(acknowledge),
    position ?? null,
    latest === true,
    // Credentials stay where they came in.
    caller ? packedCaller(caller) : null,
    withinMs === undefined ? null : Math.ceil(withinMs),
    id ?? null,
    stalenessMs ?? null,
    explain === true,
  ])
}

/** @throws GridError `record_damaged`, `format_unsupported` */
export function decodeRequest(data: Uint8Array): PassedRequest {
  const fields = checkedList(unpackMessage(requestFormat, data))
  const [kind, partition, name, input, key, level, position, latest, ...more] = fields
  const [caller, withinMs, id, stalenessMs, explain] = more
  const known = kinds[checkedCount(kind)]
  if (!known) throw new GridError('record_damaged', 'A passed request is of no kind known here')
  return {
    kind: known,
    partition: checkedCount(partition),
    name: checkedText(name),
    input: unpackRecord(checkedBytes(input)),
    idempotencyKey: key === null ? undefined : checkedText(key),
    acknowledge: levels[checkedCount(level)],
    position: position === null ? undefined : checkedCount(position),
    latest: latest === true,
    caller: caller === null ? undefined : callerOf(checkedList(caller)),
    withinMs: withinMs === null ? undefined : checkedCount(withinMs),
    id: id === null ? undefined : checkedText(id),
    // Earlier versions do not say it.
    stalenessMs: typeof stalenessMs === 'number' ? stalenessMs : undefined,
    explain: explain === true,
  }
}

function packedCaller({ name, origin, identity }: Caller): readonly unknown[] {
  const { door, address, trace } = origin
  const packed = [name ?? null, door, address ?? null]
  const traced = [trace?.requestId ?? null, trace?.traceparent ?? null]
  if (!identity) return trace ? [...packed, ...traced] : packed
  const { id, name: called, kind, roles, claims } = identity
  return [...packed, ...traced, [id, called, kind, roles, messagePack.pack(claims)]]
}

/** Units believe each other: their subjects are for units alone (docs/security.md). */
function callerOf(packed: readonly unknown[]): Caller {
  const [name, door, address, requestId, traceparent, identity] = packed
  return {
    name: name === null ? undefined : checkedText(name),
    origin: {
      door: door === 'http' ? 'http' : 'nats',
      address: address === null ? undefined : checkedText(address),
      credential: undefined,
      trace: passedOn(requestId, traceparent),
    },
    // A unit of an earlier version does not say it.
    ...(identity === undefined ? {} : { identity: identityOf(checkedList(identity)) }),
  }
}

function identityOf([id, name, kind, roles, claims]: readonly unknown[]): Identity {
  return {
    id: checkedText(id),
    name: checkedText(name),
    kind: kind === 'key' ? 'key' : 'token',
    roles: checkedList(roles).map(checkedText),
    claims: checkedObject(unpackRecord(checkedBytes(claims))),
  }
}

/**
 * What is done here belongs to the request as it came through a door. A unit of an earlier version
 * does not say it.
 */
function passedOn(requestId: unknown, traceparent: unknown): Trace | undefined {
  if (requestId === undefined || requestId === null) return undefined
  const trace = traceOf(checkedText(requestId), checkedText(traceparent))
  return trace.parent ? { requestId: trace.requestId, traceparent: trace.parent } : trace
}

export function encodeAnswer(passed: PassedAnswer): Uint8Array {
  if (passed.kind === 'elsewhere') return packMessage(answerFormat, [2])
  if (passed.kind === 'answer')
    return packMessage(answerFormat, [0, messagePack.pack(passed.answer)])
  return packMessage(answerFormat, [1, ...packedError(passed.error)])
}

function packedError(error: GridError): unknown[] {
  const { code, message, details, retryAfterMs } = error
  const reason = error instanceof Rejection ? error.reason : null
  const packed = messagePack.pack(details)
  const again = retryAfterMs === undefined ? null : Math.ceil(retryAfterMs)
  return [code, message, packed, again, reason]
}

/** The answer of a batch as it travels: its errors are data there. */
export const packedBatch = ({ answers, ...more }: BatchAnswer<number>): object => ({
  ...more,
  answers: answers.map((one) => ('error' in one ? { failed: packedError(one.error) } : one)),
})

/** @throws GridError `record_damaged` */
export function unpackedBatch(packed: object): BatchAnswer<number> {
  const { answers, ...more } = checkedObject(packed)
  const unpacked = checkedList(answers).map((one): BatchedAnswer => {
    const { failed, ...answer } = checkedObject(one)
    if (failed === undefined) return answer as unknown as BatchedAnswer
    const [code, ...rest] = checkedList(failed)
    return { error: errorOf(code, rest) }
  })
  return { ...(more as unknown as BatchAnswer<number>), answers: unpacked }
}

/** @throws GridError `record_damaged`, `format_unsupported` */
export function decodeAnswer(data: Uint8Array): PassedAnswer {
  const [kind, first, ...rest] = checkedList(unpackMessage(answerFormat, data))
  if (kind === 2) return { kind: 'elsewhere' }
  if (kind === 0) return { kind: 'answer', answer: unpackRecord(checkedBytes(first)) }
  return { kind: 'error', error: errorOf(first, rest) }
}

function errorOf(code: unknown, rest: readonly unknown[]): GridError {
  const [message, packed, retryAfterMs, reason] = rest
  const details = checkedObject(unpackRecord(checkedBytes(packed)))
  if (code === 'rejected' && reason !== null) return new Rejection(checkedText(reason), details)
  const again = retryAfterMs === null ? {} : { retryAfterMs: checkedCount(retryAfterMs) }
  // A newer version may have codes that this one does not know.
  const known = isErrorCode(checkedText(code)) ? (code as ErrorCode) : 'internal'
  return new GridError(known, checkedText(message), { details, ...again })
}
