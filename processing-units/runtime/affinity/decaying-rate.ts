/** What happened so long ago counts a third as much as what happens now, ms. */
const windowMs = 1000

/** How often something happens, by what has happened lately: exponentially decayed. */
export class DecayingRate {
  #sum = 0
  #at = 0

  /** @param now monotonic ms, never less than before */
  add(now: number): void {
    this.#sum = this.#decayed(now) + 1
    this.#at = now
  }

  perSecond(now: number): number {
    return (this.#decayed(now) * 1000) / windowMs
  }

  #decayed(now: number): number {
    return this.#sum * Math.exp((this.#at - now) / windowMs)
  }
}
