import { build } from 'hdr-histogram-js'
import { nowSinceBoot } from './now-since-boot.ts'

export interface Delays {
  readonly count: number
  /** ms */
  readonly p50: number
  readonly p99: number
}

/** How long ago that was noted which arrives now, over all arrivals since the last clearing. */
export class DelayRecord {
  readonly #histogram = build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3 })

  /** @param at `nowSinceBoot` of the sender */
  record(at: number): void {
    this.#histogram.recordValue(Math.max(0, nowSinceBoot() - at))
  }

  clear(): void {
    this.#histogram.reset()
  }

  summary(): Delays {
    const at = (percentile: number) => this.#histogram.getValueAtPercentile(percentile) / 1000
    return { count: this.#histogram.totalCount, p50: at(50), p99: at(99) }
  }
}
