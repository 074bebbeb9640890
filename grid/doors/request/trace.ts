import { randomFillSync } from 'node:crypto'
import type { Traceparent } from '../../engine/ports/tracing.ts'

/** Names of the headers that say under what a request is known, the same over HTTP and NATS. */
export const traceHeaders = { requestId: 'X-Request-Id', traceparent: 'Traceparent' } as const

/** Under what a request is known: to its caller, in logs, and to whoever it is passed on to. */
export interface Trace {
  /** The caller's `X-Request-Id`, or the id of the trace. */
  readonly requestId: string
  /** W3C Trace Context, version 00: the caller's trace, the request as a span of its own. */
  readonly traceparent: string
  /** The caller's span. Left out: the trace begins here. */
  readonly parent?: Traceparent
}

/** Of traces that begin in this process: those whose ids end below it are kept, as digits. */
let keptBelow = ''

/**
 * How many of the traces that begin in this process are kept; of those that callers have begun they
 * decide. The same trace is judged alike everywhere, by its id.
 * @param share 0: none, as it is by default; 1: all
 */
export function keepTraces(share: number): void {
  // A comparison of digits is one of numbers. Above all of them is what is no digit.
  keptBelow =
    share >= 1
      ? 'g'
      : Math.floor(share * 16 ** idDigitsJudged)
          .toString(16)
          .padStart(idDigitsJudged, '0')
}

/** The request as a span of a trace that is kept; undefined: it is in none. */
export function keptTraceOf({
  trace,
}: {
  readonly trace?: Trace | undefined
}): Traceparent | undefined {
  return trace?.traceparent.endsWith('-01') ? trace.traceparent : undefined
}

/** Digits at the end of an id, of which W3C Trace Context level 2 says that they are random. */
const idDigitsJudged = 13
const requestIdPattern = /^[\x21-\x7e]{1,128}$/
const traceparentPattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/

/**
 * Takes over what a caller says, where it is well formed, and makes the rest. What is not well
 * formed is no error: whoever asks for a seat has not come for the sake of a trace.
 * @param requestId up to 128 visible ASCII characters
 * @param traceparent W3C Trace Context, section 3.2; of a version that is not known what version 00
 * says
 */
export function traceOf(requestId: string | undefined, traceparent: string | undefined): Trace {
  const made = randomDigits()
  let traceId = made.slice(0, 32)
  const begun = traceparent === undefined ? undefined : continued(traceparent)
  let flags = '00'
  if (begun) [traceId, flags] = begun
  else if (traceId.slice(-idDigitsJudged) < keptBelow) flags = '01'
  const isTaken = requestId !== undefined && requestIdPattern.test(requestId)
  return {
    requestId: isTaken ? requestId : traceId,
    traceparent: `00-${traceId}-${made.slice(32)}-${flags}`,
    ...(begun ? { parent: `00-${traceId}-${begun[2]}-${flags}` } : {}),
  }
}

/** As logs tell it. */
export function traceFields({ requestId, traceparent }: Trace): object {
  return { requestId, traceId: traceparent.slice(3, 35) }
}

function continued(
  traceparent: string,
): [traceId: string, flags: string, parentId: string] | undefined {
  const [, version, traceId = '', parentId = '', flags = '', more] =
    traceparentPattern.exec(traceparent.trim()) ?? []
  if (version === undefined || zeros.test(traceId) || zeros.test(parentId)) return undefined
  if (version === '00' && more !== undefined) return undefined
  // Whether it is sampled; what other flags mean only their version knows.
  return [traceId, Number.parseInt(flags, 16) & 1 ? '01' : '00', parentId]
}

const idDigits = 48
const batch = Buffer.alloc(4096 * (idDigits / 2))
/** Asking for random bytes, and writing them, costs more than they do: many at once. */
let digits = ''
let used = 0

/** Random hexadecimal digits for the id of a trace and that of a span. */
function randomDigits(): string {
  if (used === digits.length) {
    digits = randomFillSync(batch).toString('hex')
    used = 0
  }
  used += idDigits
  return digits.slice(used - idDigits, used)
}
