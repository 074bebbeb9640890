import { isGridError } from '../../core/errors.ts'
import { type Clock, sleep } from '../ports/clock.ts'
import { Life } from './life.ts'
import type { Readiness } from './readiness.ts'
import type { Report } from './role-event.ts'

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
  /** Why the last incarnation ended. */
  #lastFailure: string | undefined

  constructor(clock: Clock, report: Report) {
    this.#clock = clock
    this.#report = report
  }

  /** Ready unless it stops, its life has a problem, or `unready`, asked last, says why not. */
  readiness(unready: () => string | undefined): Readiness {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'stopping' }
    const reason = this.#problem() ?? unready()
    return reason === undefined ? { ready: true } : { ready: false, reason }
  }

  /** What keeps the component from its work just now. */
  #problem(): string | undefined {
    const life = this.#life
    if (life?.problem) return life.problem
    return life?.worked && !life.signal.aborted ? undefined : this.#lastFailure
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
      this.#tell(life)
      await sleep(this.#clock, pauseMs, signal)
    }
  }

  /** The same failure over and over is told once. */
  #tell({ failure, worked }: Life): void {
    const message = failure?.message ?? 'its life was over'
    if (failure && (worked || message !== this.#lastFailure))
      this.#report({
        kind: 'began_again',
        level: isGridError(failure) ? 'warn' : 'error',
        message: `starts again: ${message}`,
        error: failure,
      })
    this.#lastFailure = message
  }
}
