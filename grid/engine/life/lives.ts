import { isGridError } from '../../core/errors.ts'
import { type Clock, sleep } from '../ports/clock.ts'
import { Life } from './life.ts'
import type { Readiness } from './readiness.ts'
import type { Report } from './role-event.ts'

/** Pause between two lives, so that a fault that stays does not keep the machine busy. */
const pauseMs = 500
const untold = 'its life was over'

export interface LivesOptions {
  /** Pause before the next life, ms; 0: none. Default 500 behind every life. */
  readonly pauseMs?: (life: Life) => number
  /**
   * Tells people why a life is over. Default: that it starts again and why, the same failure over
   * and over once.
   */
  readonly tell?: (life: Life) => void
}

/**
 * A component lives through one incarnation after the other: whenever what it knows may no longer
 * fit the world (the log was replaced, another one took over in a way it cannot follow), it forgets
 * everything and starts again from what is stored. `stop` ends the last one.
 */
export class Lives {
  readonly #clock: Clock
  readonly #report: Report
  readonly #pauseMs: (life: Life) => number
  readonly #tell: (life: Life) => void
  readonly #stopping = new AbortController()
  /** As its signal says, but every read of a unit asks, and a signal looks at much to tell. */
  #isStopping = false
  #living: Promise<void> | undefined
  #life: Life | undefined
  /** Why the last incarnation ended. */
  #lastFailure: string | undefined

  constructor(clock: Clock, report: Report, options: LivesOptions = {}) {
    this.#clock = clock
    this.#report = report
    this.#pauseMs = options.pauseMs ?? (() => pauseMs)
    this.#tell = options.tell ?? ((life) => this.#tellAgain(life))
  }

  get stopping(): boolean {
    return this.#isStopping
  }

  /** Ready unless it stops, its life has a problem, or `unready`, asked last, says why not. */
  readiness(unready: () => string | undefined): Readiness {
    if (this.#isStopping) return { ready: false, reason: 'stopping' }
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

  /** Whoever asks what is `stopping` knows at once. */
  async stop(): Promise<void> {
    this.#isStopping = true
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
      this.#lastFailure = life.failure?.message ?? untold
      const ms = this.#pauseMs(life)
      if (ms > 0) await sleep(this.#clock, ms, signal)
    }
  }

  /** The same failure over and over is told once. */
  #tellAgain({ failure, worked }: Life): void {
    const message = failure?.message ?? untold
    if (failure && (worked || message !== this.#lastFailure))
      this.#report({
        kind: 'began_again',
        level: isGridError(failure) ? 'warn' : 'error',
        message: `starts again: ${message}`,
        error: failure,
      })
  }
}
