import { type Clock, sleep } from '../ports/clock.ts'
import type { Report } from './component.ts'

/** Pause between two lives, so that a fault that stays does not keep the machine busy. */
const pauseMs = 500

/**
 * A component lives through one incarnation after the other: whenever what it knows may no longer fit the world (the log was replaced,
 * another one took over in a way it cannot follow), it forgets everything and starts again from what is stored. `stop` ends the last one.
 */
export class Lives {
  readonly #clock: Clock
  readonly #report: Report
  readonly #stopping = new AbortController()
  #living: Promise<void> | undefined

  constructor(clock: Clock, report: Report) {
    this.#clock = clock
    this.#report = report
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** `live` returns or throws when an incarnation has ended; its signal aborts when the component stops. */
  start(live: (signal: AbortSignal) => Promise<void>): void {
    if (this.#living) throw new Error('a component is started once')
    this.#living = this.#live(live, this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#living
  }

  async #live(live: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await live(signal)
      } catch (cause) {
        const error = cause instanceof Error ? cause : new Error(String(cause))
        if (!signal.aborted)
          this.#report({ level: 'error', message: `starts again: ${error.message}`, error })
      }
      if (!signal.aborted) await sleep(this.#clock, pauseMs, signal)
    }
  }
}
