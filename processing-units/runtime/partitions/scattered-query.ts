import type { AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { positionsOf } from '@spacegrid/grid/core/position'
import type { Watched, WatchOptions } from '@spacegrid/grid/doors/request/live'
import type { QueryAnswer, ReadOptions } from '@spacegrid/grid/doors/request/serving'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import { answerOf, failureOf } from '../live/live-query.ts'
import { lookMs } from '../live/unit-live.ts'

const againMs = 200
/** A query of all partitions is not asked again sooner than this, ms. */
const restMs = 20

/** Watches a query in one partition, here or elsewhere. */
export type WatchAt = (
  partition: number,
  query: string,
  input: unknown,
  options: WatchOptions,
) => Promise<Watched>

/**
 * A query that all partitions are asked, kept up to date: each partition says when its part has
 * changed, and the whole is asked again, as it is for everybody.
 */
export class ScatteredQuery {
  readonly #query: AnyQuery
  readonly #input: unknown
  readonly #clock: Clock
  readonly #watchAt: WatchAt
  readonly #ask: (options: ReadOptions) => Promise<QueryAnswer<string>>
  readonly #over = new AbortController()
  readonly #waiting = new Set<() => void>()
  /** Positions at which parts have changed, and the answer has not been asked for since. */
  readonly #changed = new Map<number, number>()
  #answer: Watched | undefined
  #news: (() => void) | undefined
  watchedAt = 0

  constructor(
    { partitions = 1 }: Space,
    query: AnyQuery,
    input: unknown,
    clock: Clock,
    watchAt: WatchAt,
    ask: (options: ReadOptions) => Promise<QueryAnswer<string>>,
  ) {
    this.#query = query
    this.#input = input
    this.#clock = clock
    this.#watchAt = watchAt
    this.#ask = ask
    for (let partition = 0; partition < partitions; partition++) void this.#follow(partition)
    void this.#work()
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0
  }

  close(): void {
    this.#over.abort()
    this.#news?.()
    for (const wake of this.#waiting) wake()
  }

  async watch({ known, position, withinMs, signal }: WatchOptions): Promise<Watched> {
    if (position !== undefined || !this.#answer) await this.#askNow(position)
    const until = this.#clock.monotonic() + withinMs
    while (this.#answer?.tag === known) {
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0 || signal?.aborted || this.#over.signal.aborted) break
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = this.#clock.after(leftMs, resolve)
      this.#waiting.add(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
      await promise
      this.#waiting.delete(resolve)
      timer.cancel()
    }
    const answer = this.#answer as Watched
    return answer.tag === known ? { tag: answer.tag, position: answer.position } : answer
  }

  async #askNow(position: WatchOptions['position']): Promise<void> {
    try {
      const answer = await this.#ask(position === undefined ? {} : { position })
      this.#take(answerOf(answer.result, 0, this.#answer), answer.position)
    } catch (error) {
      if (!isGridError(error) || error.retryable) throw error
      this.#take(failureOf(error, 0), position ?? '0.0')
    }
  }

  #take(answer: Watched, position: Watched['position']): void {
    const before = this.#answer
    this.#answer = { ...answer, position }
    if (before?.tag !== answer.tag) for (const wake of this.#waiting) wake()
  }

  async #work(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      if (this.#changed.size === 0)
        await new Promise<void>((wake) => {
          this.#news = wake
        })
      if (signal.aborted) return
      const changed = [...this.#changed]
      this.#changed.clear()
      const position = changed.map(([partition, at]) => `${partition}.${at}`).join('-')
      try {
        await this.#askNow(position)
      } catch (error) {
        if (!isGridError(error)) throw error
        for (const [partition, at] of changed)
          this.#changed.set(partition, Math.max(at, this.#changed.get(partition) ?? 0))
        await sleep(this.#clock, againMs, signal)
      }
      await sleep(this.#clock, restMs, signal)
    }
  }

  async #follow(partition: number): Promise<void> {
    const { signal } = this.#over
    let known: string | undefined
    while (!signal.aborted) {
      try {
        const asked = { known, withinMs: lookMs, signal }
        const { tag, position } = await this.#watchAt(
          partition,
          this.#query.name,
          this.#input,
          asked,
        )
        if (tag === known) continue
        known = tag
        this.#changed.set(partition, positionsOf(position)?.get(partition) ?? Number(position))
        this.#news?.()
      } catch (error) {
        if (!isGridError(error)) throw error
        await sleep(this.#clock, againMs, signal)
      }
    }
  }
}
