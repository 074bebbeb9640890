import { GridError } from '@spacegrid/grid/core/errors'
import type { QueriesLoad } from '@spacegrid/grid/doors/request/load-status'
import type { ReadOptions } from '@spacegrid/grid/doors/request/serving'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import { retryAfter } from './retry-after.ts'

/** Queries that take longer on the average wait for a turn. */
const costlyMs = 5
/**
 * Those that take so long are costly the first time; what takes less may have run for the first
 * time ever, when nothing is compiled yet.
 */
const plainlyCostlyMs = 20
/**
 * Of a run that nobody expected to take long no more counts, since it was not measured by processor
 * time: the process may have stood still in it.
 */
const unwatchedMsMax = 50
/** Those that take less are too short to be worth another look at the clock. */
const measuredMs = 1
/** Weight of the newest run in what a query costs. */
const newest = 0.3
/** Times its own cost that a costly query leaves to others, while commands wait. */
const restFactor = 2
/** Who would have to wait longer is turned away. */
const waitMsMax = 2000

interface Waiting {
  readonly query: string
  readonly isBusy: () => boolean
  readonly begin: () => void
}

/**
 * Turns for queries by what they cost. A query runs in one piece, and nothing else runs meanwhile:
 * so those that have been found to be costly run one after the other, with a look at what has come
 * in between any two, and while commands wait, they leave them twice the time that they have taken
 * themselves. A long answer is written in slices: that is no time in which nothing else runs, but
 * the next one begins when it is over. The line is as long as is worked off within two seconds.
 * What a query costs is measured from its beginning to that of the next one or the end of its turn
 * of the event loop, with the writing of its answer; the first time it is met nobody knows. The
 * first run and those in turn are measured by processor time: a process that stood still has not
 * worked. One for all units of a process that share its event loop.
 */
export class QueryTurns {
  readonly #clock: Clock
  readonly #random: Random
  /** By name, ms; 0 of those that have never taken longer than a moment. */
  readonly #costs = new Map<string, number>()
  readonly #line: Waiting[] = []
  /** What those in line, and the one that has its turn, take together, ms. */
  #lineMs = 0
  #isTaken = false
  /** The last one that was run at once in this turn: the time until the next one begins is its. */
  #last: { readonly query: string; readonly begun: number; readonly msMax: number } | undefined
  /** The one that was met last, and the processor time then. */
  #newest: { readonly query: string; readonly worked: number } | undefined
  #shed = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Asked before it runs. */
  isCostly(query: string): boolean {
    const cost = this.#costs.get(query)
    if (cost === undefined) this.#meet(query)
    return cost !== undefined && cost >= costlyMs
  }

  #meet(query: string): void {
    this.#costs.set(query, 0)
    this.#newest = { query, worked: this.#clock.worked() }
  }

  /** A query has been run at once, from `begun`, monotonic ms, until now. */
  ran(query: string, begun: number): void {
    const ms = Math.min(this.#clock.monotonic() - begun, this.#msMaxOf(query))
    this.#settle(begun)
    if (ms < measuredMs && this.#costOf(query) === 0) return
    // At once, for who asks the same in this very turn.
    if (ms >= plainlyCostlyMs && this.#costOf(query) < costlyMs) this.#costs.set(query, ms)
    if (this.#isTaken) return
    this.#last = { query, begun, msMax: Math.max(ms, unwatchedMsMax) }
    this.#clock.soon(() => this.#settle(this.#clock.monotonic()))
  }

  /** What its run can have taken at the most. */
  #msMaxOf(query: string): number {
    const newest = this.#newest
    if (newest?.query !== query) return unwatchedMsMax
    this.#newest = undefined
    return this.#clock.worked() - newest.worked
  }

  /**
   * Runs a costly query when its turn has come.
   * @param isBusy whether commands wait
   * @param asked says whether the answer is still being written
   * @throws GridError `overloaded`; what `work` throws
   */
  async run<T>(
    query: string,
    isBusy: () => boolean,
    work: () => T | Promise<T>,
    asked: Pick<ReadOptions, 'writing'> = {},
  ): Promise<T> {
    const cost = this.#costOf(query)
    const factor = isBusy() ? 1 + restFactor : 1
    const waitMs = this.#lineMs * factor
    if (waitMs > waitMsMax) throw this.#tooMany(query, waitMs)
    this.#lineMs += cost
    try {
      if (this.#isTaken) await this.#inLine(query, isBusy)
      else this.#isTaken = true
      const begun = this.#clock.worked()
      try {
        return await work()
      } finally {
        // The answer is written behind this, in the same turn or from then on.
        this.#clock.soon(() => this.#over(query, begun, isBusy, asked.writing))
      }
    } finally {
      this.#lineMs -= cost
    }
  }

  status(): QueriesLoad {
    const costly = [...this.#costs].filter(([, ms]) => ms >= costlyMs)
    return {
      ...this.counts,
      costly: costly.map(([query, ms]) => ({ query, ms: Math.round(ms) })),
    }
  }

  /** Those that wait, and that were turned away so far. */
  get counts(): Pick<QueriesLoad, 'waiting' | 'shed'> {
    return { waiting: this.#line.length, shed: this.#shed }
  }

  #inLine(query: string, isBusy: () => boolean): Promise<void> {
    return new Promise((begin) => this.#line.push({ query, isBusy, begin }))
  }

  #over(
    query: string,
    begun: number,
    isBusy: () => boolean,
    writing: Promise<number> | undefined,
  ): void {
    const ms = this.#clock.worked() - begun
    const next = () => {
      if (isBusy()) this.#clock.after(ms * restFactor, () => this.#next())
      else this.#next()
    }
    if (writing === undefined) {
      this.#costs.set(query, this.#averageOf(query, ms))
      // What has come in meanwhile is read before the next one.
      this.#clock.soon(next)
      return
    }
    // Whoever writes it tells of a failure.
    const written = (writingMs: number) => {
      this.#costs.set(query, this.#averageOf(query, ms + writingMs))
      next()
    }
    writing.then(written, () => written(0))
  }

  #next(): void {
    const next = this.#line.shift()
    if (next) next.begin()
    else this.#isTaken = false
  }

  #settle(until: number): void {
    const last = this.#last
    this.#last = undefined
    if (!last) return
    const ms = Math.min(until - last.begun, last.msMax)
    this.#costs.set(last.query, this.#averageOf(last.query, ms))
  }

  #averageOf(query: string, ms: number): number {
    return this.#costOf(query) * (1 - newest) + ms * newest
  }

  #costOf(query: string): number {
    return this.#costs.get(query) ?? 0
  }

  #tooMany(query: string, waitMs: number): GridError {
    this.#shed++
    return new GridError('overloaded', `${this.#line.length} queries like ${query} are waiting`, {
      retryAfterMs: retryAfter(waitMs, this.#random),
    })
  }
}
