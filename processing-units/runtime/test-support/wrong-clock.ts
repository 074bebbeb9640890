import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'

/** The clock of one machine among others: it may be set wrong. */
export class WrongClock implements Clock {
  aheadMs: number
  readonly #clock: Clock

  constructor(clock: Clock, aheadMs = 0) {
    this.#clock = clock
    this.aheadMs = aheadMs
  }

  now(): number {
    return this.#clock.now() + this.aheadMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  worked(): number {
    return this.#clock.worked()
  }

  after(ms: number, callback: () => void): Timer {
    return this.#clock.after(ms, callback)
  }

  soon(callback: () => void): void {
    this.#clock.soon(callback)
  }
}
