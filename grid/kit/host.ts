import type { Clock, Timer } from '../engine/ports/clock.ts'

/** Where a host's wall clock and its oscillator are, compared with the world's. */
export interface HostClockOptions {
  /** ms by which the wall clock is wrong. */
  skewMs: number
  /**
   * World ms that pass during one of the host's own; timers of different hosts must not run in
   * step.
   */
  readonly rate: number
}

/**
 * The process that a component runs in. Everything that reaches the component (a timer, a record,
 * an answer) comes through `deliver`, everything it does to the world asks `acts` first. So a host
 * can be paused, and what arrives waits; and it can die between any two things it does, and then
 * nothing of it ever goes on: what it awaits is never settled.
 */
export class Host {
  readonly name: string
  readonly #clock: Clock
  readonly #arrived: (() => void)[] = []
  readonly #whenGone: (() => void)[] = []
  #alive = true
  #paused = false
  #draining = false
  /** When it was last kept from going on, or let go on again, in the world's `monotonic()` time. */
  stalledAt = Number.NEGATIVE_INFINITY
  /** Things it may still do before it dies; undefined: as many as it likes. */
  #actsLeft: number | undefined

  constructor(name: string, clock: Clock) {
    this.name = name
    this.#clock = clock
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Runs `arrival` in the host: now, later when it is paused, or never when it is gone. */
  deliver(arrival: () => void): void {
    if (!this.#alive) return
    if (this.#paused || this.#draining) this.#arrived.push(arrival)
    else arrival()
  }

  /** The same promise as the host sees it. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.deliver(() => resolve(value)),
        (error) => this.deliver(() => reject(error)),
      )
    })
  }

  /** Asked before every effect on the world; false: the host is gone, and nothing happens. */
  acts(): boolean {
    if (this.#actsLeft !== undefined && this.#alive && this.#actsLeft-- === 0) this.crash()
    return this.#alive
  }

  /** Dies when it has done so many more things. */
  crashAfter(acts: number): void {
    this.#actsLeft = acts
  }

  /** It does not die after all. */
  spare(): void {
    this.#actsLeft = undefined
  }

  /** As kill -9: what is on its way out arrives all the same. */
  crash(): void {
    if (!this.#alive) return
    this.#alive = false
    this.#arrived.length = 0
    for (const tell of this.#whenGone.splice(0)) tell()
  }

  whenGone(tell: () => void): void {
    this.#whenGone.push(tell)
  }

  pause(): void {
    this.stalledAt = this.#clock.monotonic()
    this.#paused = true
  }

  /** What has arrived meanwhile comes one after the other, in its order. */
  resume(): void {
    if (!this.#paused) return
    this.stalledAt = this.#clock.monotonic()
    this.#paused = false
    if (this.#draining || this.#arrived.length === 0) return
    this.#draining = true
    this.#drain()
  }

  #drain(): void {
    this.#clock.soon(() => {
      if (this.#paused || !this.#alive) {
        this.#draining = false
        return
      }
      this.#arrived.shift()?.()
      if (this.#arrived.length > 0) this.#drain()
      else this.#draining = false
    })
  }
}

/** Time as a host sees it. */
export class HostClock implements Clock {
  readonly options: HostClockOptions
  readonly #host: Host
  readonly #clock: Clock

  constructor(host: Host, clock: Clock, options: HostClockOptions) {
    this.#host = host
    this.#clock = clock
    this.options = options
  }

  now(): number {
    return Math.floor(this.#clock.now() + this.options.skewMs)
  }

  monotonic(): number {
    return this.#clock.monotonic() / this.options.rate
  }

  worked(): number {
    return this.#clock.worked() / this.options.rate
  }

  after(ms: number, callback: () => void): Timer {
    let cancelled = false
    const timer = this.#clock.after(ms * this.options.rate, () =>
      this.#host.deliver(() => {
        if (!cancelled) callback()
      }),
    )
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      },
    }
  }

  soon(callback: () => void): void {
    this.after(0, callback)
  }
}
