import type { Clock } from '../../engine/ports/clock.ts'

/** Longest that something is delivered without letting others have a turn. */
const sliceMs = 3

/**
 * A slice of each turn of the event loop, which all tails of a log share: the replicas of one
 * process would otherwise meld the same large frame one behind the other, and nobody could read in
 * between. What one record takes by itself comes on top.
 */
export class SharedTurn {
  readonly #clock: Clock
  #until: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether there is time left in this turn. Whoever asks first begins its slice. */
  hasTime(): boolean {
    const now = this.#clock.monotonic()
    if (this.#until === undefined) {
      this.#until = now + sliceMs
      this.#clock.soon(() => {
        this.#until = undefined
      })
    }
    return now < this.#until
  }
}
