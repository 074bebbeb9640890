/** Somebody who follows, and waits for something to be told. */
export interface FeedWaiter {
  /** @param position at which something has happened that it may want; undefined: it is to look */
  readonly wake: (position: number | undefined) => void
  /** It waits for the replica to come so far; undefined: for something that it is to hear of. */
  readonly reaches: number | undefined
  touchedAt: number | undefined
}

/**
 * Who waits for domain events, for events of a name, or for a position; woken when the frame that
 * touched them is done. For entries they wait in the `Interests` of the cache, and are touched from
 * there.
 */
export class FeedWaiters {
  readonly #events = new Set<FeedWaiter>()
  readonly #named = new Map<string, Set<FeedWaiter>>()
  readonly #places = new Set<FeedWaiter>()
  readonly #touched = new Set<FeedWaiter>()

  /**
   * @param events names of those that it wants; undefined: any
   * @returns what ends the waiting
   */
  add(waiter: FeedWaiter, events: readonly string[] | undefined): () => void {
    if (waiter.reaches !== undefined) {
      this.#places.add(waiter)
      return () => this.#places.delete(waiter)
    }
    const sets = events ? events.map((name) => this.#ofName(name)) : [this.#events]
    for (const set of sets) set.add(waiter)
    return () => {
      this.#touched.delete(waiter)
      for (const set of sets) set.delete(waiter)
      for (const name of events ?? [])
        if (this.#named.get(name)?.size === 0) this.#named.delete(name)
    }
  }

  #ofName(name: string): Set<FeedWaiter> {
    const named = this.#named.get(name) ?? new Set()
    this.#named.set(name, named)
    return named
  }

  /** An event of this name, in the frame at this position. */
  happened(name: string, position: number): void {
    for (const waiter of this.#events) this.touch(waiter, position)
    const named = this.#named.get(name)
    if (named) for (const waiter of named) this.touch(waiter, position)
  }

  /** Something that it may want has happened in the frame at this position. */
  touch(waiter: FeedWaiter, position: number): void {
    waiter.touchedAt ??= position
    this.#touched.add(waiter)
  }

  /** The frame is done. */
  wakeTouched(position: number): void {
    if (this.#touched.size === 0 && this.#places.size === 0) return
    for (const waiter of this.#places)
      if ((waiter.reaches as number) <= position) waiter.wake(undefined)
    for (const waiter of this.#touched) waiter.wake(waiter.touchedAt)
    this.#touched.clear()
  }

  /** Everything is to be looked at again. */
  wakeAll(): void {
    for (const waiter of [...this.#places, ...this.#events]) waiter.wake(undefined)
    for (const named of this.#named.values()) for (const waiter of named) waiter.wake(undefined)
  }
}
