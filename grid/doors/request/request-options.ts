import type { Acknowledgement } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { readPosition } from '../../core/position.ts'
import type { Caller } from './caller.ts'
import { callersKey } from './callers-key.ts'
import type { AsOf, ExecuteOptions, ReadOptions } from './serving.ts'

/** Names of the headers that steer a request, the same over HTTP and NATS. */
export const requestHeaders = {
  idempotencyKey: 'Idempotency-Key',
  prefer: 'Prefer',
  position: 'Grid-Position',
  consistency: 'Grid-Consistency',
  resume: 'Last-Event-ID',
  staleness: 'Grid-Staleness',
  explain: 'Grid-Explain',
  timeout: 'Grid-Timeout',
  admission: 'Grid-Admission',
  ticket: 'Grid-Ticket',
} as const

const idempotencyKeyMax = 255
// Visible ASCII and space: other bytes reach us decoded one way over HTTP and another over NATS,
// and one caller's key would become two.
const idempotencyKeyPattern = /^[\x20-\x7e]+$/
/** Keys of what the grid itself sends: they are remembered otherwise. */
export const reservedKeyPrefix = 'grid:'
const levels: readonly string[] = ['accepted', 'committed', 'persisted'] satisfies Acknowledgement[]

/**
 * What the headers of a command ask for.
 * @throws GridError `invalid_header` (details: header, allowed)
 */
export function executeOptions(
  idempotencyKey: string | undefined,
  prefer: string | undefined,
  caller?: Caller,
  timeout?: string,
): ExecuteOptions {
  const by = caller === undefined ? none : { caller }
  if ((idempotencyKey ?? prefer ?? timeout) === undefined) return by
  const acknowledge = prefer === undefined ? undefined : preferredAcknowledgement(prefer)
  return {
    ...by,
    ...(idempotencyKey === undefined
      ? undefined
      : { idempotencyKey: callersKey(checkedKey(idempotencyKey), caller) }),
    ...(acknowledge === undefined ? undefined : { acknowledge }),
    ...(timeout === undefined
      ? undefined
      : { withinMs: checkedDuration(requestHeaders.timeout, timeout) }),
  }
}

/** The values of headers, where they were sent. */
interface ReadHeaders {
  readonly position?: string | undefined
  readonly consistency?: string | undefined
  readonly staleness?: string | undefined
  readonly explain?: string | undefined
}

/** What a read asks for: of the state as it is, or as it was. */
export interface AskedRead extends ReadOptions {
  /** Left out: the state as it is. */
  readonly asOf?: AsOf
}

/**
 * What the headers of a query or an entry read ask for.
 * @throws GridError `invalid_header` (details: header, allowed)
 */
export function readOptions(
  { position, consistency, staleness, explain }: ReadHeaders,
  caller?: Caller,
): AskedRead {
  const by = caller === undefined ? none : { caller }
  if ((position ?? consistency ?? staleness ?? explain) === undefined) return by
  if (consistency !== undefined && consistency.toLowerCase() !== 'latest')
    throw invalid(requestHeaders.consistency, 'latest')
  const isPast = position?.startsWith('=')
  if (isPast && (consistency ?? staleness) !== undefined)
    throw invalid(requestHeaders.position, 'a moment of the past without any other promise')
  return {
    ...by,
    ...(position === undefined ? undefined : isPast ? asOf(position) : at(position)),
    ...(consistency === undefined ? undefined : { latest: true }),
    ...(explain === undefined ? undefined : { explain: checkedExplain(explain) }),
    ...(staleness === undefined ? undefined : { stalenessMs: checkedStaleness(staleness) }),
  }
}

const none = Object.freeze({})

function checkedKey(key: string): string {
  if (key.length > idempotencyKeyMax || !idempotencyKeyPattern.test(key))
    throw invalid(
      requestHeaders.idempotencyKey,
      `1 to ${idempotencyKeyMax} visible ASCII characters`,
    )
  if (key.startsWith(reservedKeyPrefix))
    throw invalid(
      requestHeaders.idempotencyKey,
      `a key that does not begin with ${reservedKeyPrefix}: those are the grid's own`,
    )
  return key
}

function checkedExplain(text: string): boolean {
  if (text !== 'true') throw invalid(requestHeaders.explain, 'true')
  return true
}

const duration = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s)$/

const checkedStaleness = (text: string): number => checkedDuration(requestHeaders.staleness, text)

function checkedDuration(header: string, text: string): number {
  const [, amount, unit] = duration.exec(text) ?? []
  if (amount === undefined) throw invalid(header, 'a time in seconds or milliseconds: 2s, 500ms')
  return Number(amount) * (unit === 's' ? 1000 : 1)
}

function at(text: string): Pick<ReadOptions, 'position'> {
  const position = readPosition(text)
  if (position === undefined) throw positionInvalid()
  return { position }
}

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/** `=1234`, or `=2026-11-27T21:00:00Z`. */
function asOf(text: string): Pick<AskedRead, 'asOf'> {
  const said = text.slice(1).trim()
  const position = readPosition(said)
  if (position !== undefined) return { asOf: position }
  const time = moment.test(said) ? new Date(said) : undefined
  if (time === undefined || Number.isNaN(time.getTime())) throw pastInvalid()
  return { asOf: time }
}

/** What it names is no moment of the space that was asked. */
export const pastInvalid = (): GridError =>
  invalid(
    requestHeaders.position,
    '= and a position that an answer has named, or a time such as =2026-11-27T21:00:00Z',
  )

/** What it names says nothing of a partition that is asked. */
export const pastSilent = (partition: number): GridError =>
  invalid(
    requestHeaders.position,
    `= and a position of all partitions that are asked (this one says nothing of partition ${partition}: the answer of a query of all of them does), or a time`,
  )

/** What it names is no position of the space that was asked. */
export const positionInvalid = (): GridError =>
  invalid(
    requestHeaders.position,
    'a position that an answer has named: a whole number below 2^53, in a space of several partitions a token',
  )

/** What it names is no place in a stream of the space that was asked, and of that kind. */
export const resumeInvalid = (): GridError =>
  invalid(
    requestHeaders.resume,
    'the id of an event of such a stream of this space, or a position that an answer has named',
  )

/**
 * What stands between commas; those in quotes are part of a value. A quote that is not closed
 * reaches to the end.
 */
const preference = /(?:"(?:[^"\\]|\\.)*(?:"|$)|[^,"])+/g
const nameAndValue = /^\s*([^\s=;]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*)))?/

/** Taken together, two values would be a third one, that nobody has asked for. */
export const repeatedHeader = (header: string): GridError => invalid(header, 'one value')

/**
 * The level asked for by a `Prefer` header (RFC 7240): `ack=…` among other preferences, which are
 * ignored as the RFC wants. Of several `ack`, the first counts. An unknown level is an error
 * though: a caller who asks for a promise and would get a weaker one must hear of it.
 */
function preferredAcknowledgement(prefer: string): Acknowledgement | undefined {
  for (const [one] of prefer.matchAll(preference)) {
    const [, name = '', quoted, token = ''] = nameAndValue.exec(one) ?? []
    if (name.toLowerCase() !== 'ack') continue
    const level = quoted?.replace(/\\(.)/g, '$1') ?? token
    if (!levels.includes(level))
      throw invalid(requestHeaders.prefer, levels.map((known) => `ack=${known}`).join(', '))
    return level as Acknowledgement
  }
  return undefined
}

const invalid = (header: string, allowed: string): GridError =>
  new GridError('invalid_header', `${header}: allowed is ${allowed}`, {
    details: { header, allowed },
  })
