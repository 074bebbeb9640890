export interface AdaptiveLimitOptions {
  /** Delay that the limit is led to, ms. */
  readonly targetMs: number
  /** It never falls below: so many are few enough to be taken whatever they wait for. */
  readonly min: number
  readonly max: number
}

/** Part of the limit that it changes by, for each target's length that the delay is off. */
const gain = 0.25
/** However late everything is, no more than half is taken away before the effect is seen. */
const leastFactor = 0.5

/**
 * How many may be under way at the same time, led by how long they wait. The delay that counts is
 * the least of an interval, as CoDel has it (Nichols and Jacobson, "Controlling Queue Delay", ACM
 * Queue 2012; RFC 8289): a burst that is worked off within the interval is no overload, a queue
 * that stands is. Above the target the limit falls in proportion to the excess, at most by half, as
 * Breakwater's credits do (Cho et al., "Overload Control for µs-Scale RPCs with Breakwater", OSDI
 * 2020, section 4.1), and from what has been under way, for a limit that nobody has reached has led
 * nothing. Below it grows by the same law: multiplied, not added to, because what fits into a delay
 * may be ten commands or ten thousand.
 */
export class AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions
  #limit: number

  constructor(options: AdaptiveLimitOptions) {
    this.#options = options
    this.#limit = options.max
  }

  get value(): number {
    return this.#limit
  }

  /**
   * An interval is over.
   * @param delayMs the least delay in it
   * @param peak the most that were under way in it
   */
  adapt(delayMs: number, peak: number): void {
    const { targetMs, min, max } = this.#options
    const factor = Math.max(leastFactor, 1 + gain * (1 - delayMs / targetMs))
    const from = factor < 1 ? Math.min(this.#limit, peak) : this.#limit
    this.#limit = Math.min(max, Math.max(min, Math.ceil(from * factor)))
  }

  /** Nobody has been here for a while: what it was led by is gone. */
  reset(): void {
    this.#limit = this.#options.max
  }
}
