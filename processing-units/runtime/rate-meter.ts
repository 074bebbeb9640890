import type { Clock } from '@spacegrid/grid/engine/ports/clock'

const windowMs = 1000

/** A counter's rate, measured whenever it is asked for, at most once a second. */
export class RateMeter {
  readonly #clock: Clock
  #since = 0
  #count = 0
  #perSecond = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param count what has been counted so far; a smaller one than before is a new count */
  perSecond(count: number): number {
    const now = this.#clock.monotonic()
    const elapsed = now - this.#since
    if (elapsed < windowMs && count >= this.#count) return this.#perSecond
    this.#perSecond = Math.max(0, Math.round(((count - this.#count) * 1000) / elapsed))
    this.#since = now
    this.#count = count
    return this.#perSecond
  }
}
