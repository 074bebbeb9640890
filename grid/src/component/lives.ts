import { isGridError } from '../errors.ts'
import { type Clock, sleep } from '../ports/clock.ts'
import type { Report } from './component.ts'
import { Life } from './life.ts'

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
  #life: Life | undefined
  /** Why the last incarnation ended, until the present one works. */
  #lastFailure: string | undefined

  constructor(clock: Clock, report: Report) {
    this.#clock = clock
    this.#report = report
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** What keeps the component from its work just now. */
  get problem(): string | undefined {
    return this.#life?.problem ?? this.#lastFailure
  }

  /** `live` returns or throws when an incarnation has ended. */
  start(live: (life: Life) => Promise<void>): void {
    if (this.#living) throw new Error('a component is started once')
    this.#living = this.#live(live)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#living
  }

  async #live(live: (life: Life) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const life = new Life(this.#clock, signal)
      this.#life = life
      try {
        await live(life)
      } catch (error) {
        if (!isGridError(error, 'stopping'))
          life.end(error instanceof Error ? error : new Error(String(error)))
      }
      await life.over()
      if (signal.aborted) return
      this.#tell(life.failure)
      await sleep(this.#clock, pauseMs, signal)
    }
  }

  /** The incarnation does its work: what ended the one before is history. */
  works(): void {
    this.#lastFailure = undefined
  }

  #tell(error: Error | undefined): void {
    const message = error?.message ?? 'its life was over'
    if (error && message !== this.#lastFailure)
      this.#report({
        level: isGridError(error) ? 'warn' : 'error',
        message: `starts again: ${message}`,
        error,
      })
    this.#lastFailure = message
  }
}
