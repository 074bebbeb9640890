import type { Traceparent } from './tracing.ts'

/** One record of a log, as stored. */
export interface LogRecord {
  /** 1, 2, 3 …: consecutive, never reused within one log. */
  readonly position: number
  /**
   * When the log stored it, ms since the epoch, by the log's own clock. Not necessarily monotonic.
   */
  readonly time: number
  readonly data: Uint8Array
  /** Traces that are kept, to which what it holds belongs. Left out: none, as nearly always. */
  readonly traces?: readonly Traceparent[] | undefined
}

export interface LogBounds {
  /** Names this very log: a log deleted and created again has another identity. */
  readonly identity: string
  /** First position still held; `last + 1` when the log is empty. */
  readonly first: number
  /** Last position stored; `first - 1` when empty (0 for a new log). */
  readonly last: number
  /** What its records take, bytes; left out: that is not known. */
  readonly bytes?: number
}

/**
 * Told what the tail of a log sees. `record` is called with strictly consecutive positions, from
 * `after + 1` on, each exactly once, whatever the connection does in between. The listener must not
 * throw.
 */
export interface LogListener {
  record(record: LogRecord): void
  /**
   * The tail follows the log now (`true`: soon after it was opened, and again after each gap) or is
   * cut off (`false`). A tail counts as cut off until it says otherwise. Positions stay consecutive
   * across gaps.
   */
  connected?(connected: boolean): void
  /** The tail has ended for good: `log_replaced` or `log_trimmed`. No call follows. */
  broken(error: Error): void
}

export interface LogTail {
  stop(): Promise<void>
}

export interface AppendOptions {
  /** Append only if the log's last position is this one; otherwise `fenced`. */
  readonly expectedLast?: number
  /**
   * Traces that the record belongs to, at most `recordTracesMax`. A log may forget them: nothing
   * but what is seen of it depends on them.
   */
  readonly traces?: readonly Traceparent[] | undefined
}

/**
 * A durable, totally ordered sequence of records: the log of a space, and its change queue.
 *
 * `append` resolves with the position once the record is durable. Its errors are GridErrors:
 * `log_full`, `record_too_large`, `fenced`: certainly not stored. `log_unavailable`: unknown, it
 * may be stored, now or later.
 */
export interface Log {
  /** Largest record in bytes. */
  readonly recordBytesMax: number
  /**
   * Share of the room it has that is taken, 0 to 1, as it was seconds ago. Left out: nobody knows,
   * or it has no limit.
   */
  readonly filled?: number | undefined
  append(data: Uint8Array, options?: AppendOptions): Promise<number>
  /**
   * @param timeSeen when the record at `after` was stored, by whoever has read it before: a log
   * that has one of another time there by now has lost its end and grown again, and the tail breaks
   * with `log_replaced`
   */
  tail(after: number, listener: LogListener, timeSeen?: number): LogTail
  bounds(): Promise<LogBounds>
  /** The record at a position, or undefined when it is not held. */
  read(position: number): Promise<LogRecord | undefined>
  /** Drops every record below `position`; never the record at it. Idempotent. */
  trim(position: number): Promise<void>
  close(): Promise<void>
}

/** What the fullest of several says: whichever it is, it keeps commands out when it is full. */
export function fullestOf(...logs: readonly Pick<Log, 'filled'>[]): number | undefined {
  const known = logs.flatMap(({ filled }) => filled ?? [])
  return known.length === 0 ? undefined : Math.max(...known)
}
