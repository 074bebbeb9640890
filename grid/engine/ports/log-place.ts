import type { Log, LogBounds } from './log.ts'

/**
 * Where a log or a change queue is, was or will be: for an operator who has to put another one in
 * its place. To look at it makes nothing; `Log` is what everybody else works with.
 */
export interface LogPlace {
  /** undefined: there is none. */
  look(): Promise<LogBounds | undefined>
  /** The one that is there. Closed by whoever opened it. */
  open(): Promise<Log>
  /**
   * Puts an empty log in the place of the one that was `found` (undefined: of none). Its first
   * record will be at `after + 1`. Not atomic: after a crash there may be none.
   * @throws GridError `fenced` when another one is there by now than was found
   */
  replace(found: LogBounds | undefined, after: number): Promise<LogBounds>
  close(): Promise<void>
}
