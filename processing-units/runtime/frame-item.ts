import type { GridError } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import type { KeyRead, RangeRead, TransactionRecord } from '@spacegrid/grid/core/steps'
import type { Traceparent } from '@spacegrid/grid/engine/ports/tracing'

/** A transaction on its way through the log. Exactly one of the two is called, once. */
export interface Sent {
  readonly record: TransactionRecord
  /** Bytes of the command's input and of what it wrote. Left out: only what is in the record. */
  readonly bytes?: number
  /** Of a command in a trace that is kept: the span that it is done in. */
  readonly trace?: Traceparent | undefined
  /** Nobody wants it any more: it is left out if it has not been sent yet. */
  readonly cancelled: boolean
  decided(evaluation: Evaluation): void
  /** Certainly not committed. Without an error it may simply be executed again. */
  abandoned(error?: GridError): void
}

/**
 * Something that was read and must be confirmed: the check travels with the frames, in its place
 * between the transactions, but leaves no bytes in the log. When its frame comes back the reads are
 * compared with the committed state at just that place.
 */
export interface Check {
  readonly reads: readonly KeyRead[]
  readonly ranges: readonly RangeRead[]
  confirmed(valid: boolean): void
  abandoned(error?: GridError): void
}

/** What waits for a place in a frame. */
export type Item = Sent | Check

/** Checks by the number of their frame's transactions that precede them. */
export type Checks = ReadonlyMap<number, readonly Check[]>

/** Steps of a transaction that is sent in parts without trying whether it fits into a frame. */
export const longSteps = 4096

/**
 * Takes away the items that make the next frame: at most `max`; a long transaction alone. What
 * nobody wants any more is left out.
 */
export function takeItems(open: Item[], max: number): Item[] {
  let count = 0
  while (count < max && count < open.length && !isLong(open[count])) count++
  return open.splice(0, Math.max(count, 1)).filter(isWanted)
}

/**
 * Whether this is a transaction so long that it hardly fits into a frame: it travels in parts, and
 * is encoded once.
 */
export const isLong = (item: Item | undefined): boolean =>
  item !== undefined && 'record' in item && item.record.steps.length > longSteps

/** The items as a frame carries them. */
export function inFrame(items: readonly Item[]): {
  readonly sent: Sent[]
  readonly checks: Checks
} {
  const sent: Sent[] = []
  const checks = new Map<number, Check[]>()
  for (const item of items)
    if ('confirmed' in item) checks.set(sent.length, [...(checks.get(sent.length) ?? []), item])
    else sent.push(item)
  return { sent, checks }
}

/**
 * A check is always wanted; a transaction is not any more once its caller has been told something
 * else.
 */
function isWanted(item: Item): boolean {
  if ('confirmed' in item || !item.cancelled) return true
  item.abandoned()
  return false
}
