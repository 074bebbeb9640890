/** Until it is known how long a unit takes to serve. */
const startMsDefault = 5000
const startMsMax = 60_000
/** What did not come is asked for again, first soon, then ever more seldom. */
const againMsMin = 3000
const againMsMax = 60_000

/** How long units take to come into service, and what to do when they do not. */
export class StartWatch {
  #startMs = startMsDefault
  #askedAt: number | undefined
  #againAt = Number.NEGATIVE_INFINITY
  #againMs = againMsMin

  /** From asking for a unit to its being ready, ms. */
  get startMs(): number {
    return this.#startMs
  }

  /** The driver has been told that more are wanted. */
  asked(at: number): void {
    this.#askedAt ??= at
    this.#againAt = at + this.#againMs
  }

  look(at: number, isComplete: boolean): void {
    if (!isComplete) return
    if (this.#askedAt !== undefined) {
      const took = Math.min(startMsMax, at - this.#askedAt)
      this.#startMs = (this.#startMs + took) / 2
      this.#askedAt = undefined
    }
    this.#againMs = againMsMin
  }

  /** Whether what is missing is to be asked for once more just now. */
  isDue(at: number): boolean {
    if (at < this.#againAt) return false
    this.#againMs = Math.min(2 * this.#againMs, againMsMax)
    return true
  }

  /** They have been on their way for so long that something must be wrong. */
  isLate(at: number): boolean {
    return this.#askedAt !== undefined && at - this.#askedAt >= startMsMax
  }
}
