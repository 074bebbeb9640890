/**
 * Visits whose turn has come and that are remembered here; beyond, the oldest are counted again.
 */
const rememberedMax = 200_000

interface Counts {
  claimed: number
  finished: number
}

/** What has been seen of the visits of one line, and not been written down yet. */
export interface TakenCounts {
  readonly committed: number
  readonly shed: number
  readonly finished: number
  readonly visits: readonly ({ readonly key: string } & Readonly<Counts>)[]
}

/**
 * Counts who has come and whose visit is over, each once as far as this process has seen it: what
 * it remembers is lost with it, and a visit may then be counted again. That only lets somebody in
 * early.
 */
export class VisitCounts {
  readonly #seen = new Set<string>()
  #visits = new Map<string, Counts>()
  #committed = 0
  #shed = 0
  #finished = 0

  /** @param key of the step in which the visit's turn came */
  claimed(key: string, visit: string): void {
    if (this.#isNew(`claimed ${visit}`)) this.#of(key).claimed++
  }

  /** @param key undefined: it is not known any more */
  finished(key: string | undefined, visit: string): void {
    if (!this.#isNew(`finished ${visit}`)) return
    this.#finished++
    if (key !== undefined) this.#of(key).finished++
  }

  told(committed: number, shed: number): void {
    this.#committed += committed
    this.#shed += shed
  }

  /** Everything since it was last called; undefined: nothing. */
  take(): TakenCounts | undefined {
    const [committed, shed, finished] = [this.#committed, this.#shed, this.#finished]
    if (committed + shed + finished + this.#visits.size === 0) return undefined
    const visits = [...this.#visits].map(([key, counts]) => ({ key, ...counts }))
    this.#visits = new Map()
    this.#committed = this.#shed = this.#finished = 0
    return { committed, shed, finished, visits }
  }

  /** What could not be written down is written down with what comes. */
  putBack({ committed, shed, finished, visits }: TakenCounts): void {
    this.#committed += committed
    this.#shed += shed
    this.#finished += finished
    for (const { key, ...counts } of visits) {
      const kept = this.#of(key)
      kept.claimed += counts.claimed
      kept.finished += counts.finished
    }
  }

  #of(key: string): Counts {
    let counts = this.#visits.get(key)
    if (!counts) {
      counts = { claimed: 0, finished: 0 }
      this.#visits.set(key, counts)
    }
    return counts
  }

  #isNew(visit: string): boolean {
    if (this.#seen.has(visit)) return false
    if (this.#seen.size >= rememberedMax)
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest)
        break
      }
    this.#seen.add(visit)
    return true
  }
}
