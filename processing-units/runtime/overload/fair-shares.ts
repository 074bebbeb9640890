import type { Caller } from '@spacegrid/grid/doors/request/caller'

/** Callers that are told apart; of those beyond nothing is counted. */
const callersMax = 4096
/** So many at least, whatever the share. */
const countMin = 4

/**
 * Who has how much of what is admitted in an interval. Whoever has had an equal share is told apart
 * from the others who ask; with a single one nobody is. Callers are known by their name, or else by
 * their address; who has neither is not counted.
 */
export class FairShares {
  #counts = new Map<string, number>()
  #mostEach = Number.POSITIVE_INFINITY

  /** Somebody asks. Whether that one has had more than its share already. */
  isGreedy(caller: Caller): boolean {
    const key = keyOf(caller)
    if (key === undefined) return false
    const count = this.#counts.get(key)
    // Who gets nothing counts among those who want a share.
    if (count === undefined && this.#counts.size < callersMax) this.#counts.set(key, 0)
    return (count ?? 0) >= this.#mostEach
  }

  admitted(caller: Caller): void {
    const key = keyOf(caller)
    if (key === undefined) return
    const count = this.#counts.get(key)
    if (count !== undefined) this.#counts.set(key, count + 1)
  }

  /** An interval is over, and says what an equal share is in the next. */
  turn(): void {
    let total = 0
    for (const count of this.#counts.values()) total += count
    const callers = this.#counts.size
    this.#mostEach = callers > 1 ? Math.max(countMin, total / callers) : Number.POSITIVE_INFINITY
    if (callers > 0) this.#counts = new Map()
  }
}

const keyOf = ({ name, origin }: Caller): string | undefined => name ?? origin.address
