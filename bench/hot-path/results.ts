import type { RunFacts } from '../report/run-facts.ts'
import type { Timing } from './measure.ts'

export interface Measurement extends Timing {
  readonly task: string
  readonly log: string
  /** Of each process that works. */
  readonly concurrency: number
  /** Bytes of JavaScript heap per operation; only of tasks in one process. */
  readonly allocatedBytes?: number
  /**
   * Rate of this run by that of the last committed results, when they have the same measurement.
   */
  readonly againstLast?: number
}

export interface Results extends RunFacts {
  readonly entries: number
  readonly timeMs: number
  /** Runs of each measurement; the figures are those of the run with the median rate. */
  readonly runs: number
  readonly measurements: readonly Measurement[]
}
