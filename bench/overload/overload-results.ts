import type { RunFacts } from '../report/run-facts.ts'
import type { Offered } from './offer.ts'

export interface OverloadRow {
  readonly policy: string
  /** At 80 % of the capacity, before. */
  readonly before: Offered
  readonly overload: Offered
  /** At 80 % again, at once. */
  readonly after: Offered
  /** Of the capacity, answered in time. */
  readonly goodput: number
  /** 99th percentile of what was answered, by that at 80 %. */
  readonly p99Ratio: number
  /** From the end of the overload until nobody is turned away or slow any more, ms. */
  readonly recoveryMs: number
}

export interface OverloadResults extends RunFacts {
  /** What else the machine had to do when it began: processes that wanted to run. */
  readonly machineLoad: number
  readonly settings: Readonly<Record<'work' | 'times' | 'time' | 'fixed', number>>
  /** Commands a second, 32 at a time. */
  readonly capacity: number
  readonly rows: readonly OverloadRow[]
}
