import type { Clock } from '../ports/clock.ts'

/** Longest piece of work without letting others have a turn. */
const sliceMs = 3

/**
 * Work in slices: components share a process, and its event loop, with each other (and, embedded,
 * with the processing units). Call `pause` between two pieces; it gives the turn away when the
 * slice is used up.
 */
export class Turns {
  readonly #clock: Clock
  #until = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#until = clock.monotonic() + sliceMs
  }

  readonly pause = (): Promise<void> | undefined => {
    if (this.#clock.monotonic() < this.#until) return undefined
    return new Promise((resolve) =>
      this.#clock.soon(() => {
        this.#until = this.#clock.monotonic() + sliceMs
        resolve()
      }),
    )
  }
}
