import type { Value } from '@spacegrid/grid/core/data-types'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Write } from '@spacegrid/grid/core/evaluation'
import { Interests } from '@spacegrid/grid/core/interests'
import type { ProjectionRows } from '@spacegrid/grid/core/projection/projection-rows'
import { freezeInput } from '@spacegrid/grid/core/validation'
import type { Watched, WatchOptions } from '@spacegrid/grid/doors/request/live'
import type { QueryAnswer } from '@spacegrid/grid/doors/request/serving'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { Incarnation } from '../incarnation.ts'
import type { Projections } from '../projections.ts'
import { answerOf, failureOf, LiveQuery } from './live-query.ts'
import { ReadsMade, type Source } from './reads-made.ts'

/** How a query is asked here, seeing what it reads. */
export interface AskSeen {
  /** @throws GridError as `Serving.query` */
  seen(
    name: string,
    input: unknown,
    see: (incarnation: Incarnation) => Incarnation,
    now: () => number,
  ): Promise<QueryAnswer<number>>
  /** Waits until a position is reached. @throws GridError `position_timeout`, `not_ready` */
  reached(position: number): Promise<void>
}

/** Queries that are kept at the same time; beyond, `overloaded`. */
const queriesMax = 10_000
/** How long one is kept that nobody watches, ms. */
const lingerMs = 15_000
const sweepMs = 5000
/** How long queries are worked out in one turn, ms. */
const turnMs = 2
/**
 * An answer that takes long to work out is not worked out again for so many times as long: not more
 * than a fifth of the unit's time goes into one query.
 */
const restFactor = 4
const restMsMax = 2000
/** A query that asks what time it is has another answer by itself, so often, ms. */
const timeMs = 1000
const againMs = 100

/**
 * Queries whose answers are kept up to date, on the replica of one log: each is worked out again
 * when something that it has read has changed, and only then. Many changes at once are one. With
 * nobody who watches, it does not listen to the replica.
 */
export class LiveQueries {
  readonly #clock: Clock
  readonly #ask: AskSeen
  readonly #now: () => number
  readonly #queries = new Map<string, LiveQuery>()
  readonly #interests = new Map<Source, Interests<LiveQuery>>()
  readonly #dirty = new Set<LiveQuery>()
  #replica: Replica | undefined
  #unlisten: (() => void) | undefined
  #projections: Projections | undefined
  #unlistenRows: (() => void) | undefined
  #timer: Timer | undefined
  #sweeps: Timer | undefined
  #isSoon = false
  #stopped = false
  /** Times that any was worked out. */
  evaluations = 0

  /** @param now the log's time, ms since the epoch */
  constructor(clock: Clock, ask: AskSeen, now: () => number) {
    this.#clock = clock
    this.#ask = ask
    this.#now = now
  }

  get size(): number {
    return this.#queries.size
  }

  attach(replica: Replica): void {
    this.#replica = replica
    this.#interests.clear()
    for (const query of this.#queries.values()) {
      query.dependencies.clear()
      this.#mark(query)
    }
    if (this.#queries.size > 0) this.#listen(replica)
    this.#schedule()
  }

  detach(): void {
    this.#unlistenAll()
    this.#replica = undefined
  }

  stop(): void {
    this.#stopped = true
    this.detach()
    this.#timer?.cancel()
    this.#sweeps?.cancel()
    for (const { waiting } of this.#queries.values()) for (const wake of waiting) wake()
    this.#queries.clear()
    this.#dirty.clear()
  }

  /**
   * The answer of a query, as soon as it is another one than is known.
   * @throws GridError `unknown_query`, `invalid_input`; `not_ready`, `position_timeout`;
   * `overloaded`; `stopping`
   */
  async watch(name: string, input: unknown, options: WatchOptions): Promise<Watched> {
    const { known, position, withinMs, signal } = options
    if (typeof position === 'number') await this.#ask.reached(position)
    const query = this.#queryOf(name, input)
    query.watchedAt = this.#clock.monotonic()
    const isBehind = Number(query.answer?.position ?? -1) < Number(position ?? 0)
    if (!query.answer || (query.isDirty && isBehind)) await this.#evaluate(query, true)
    const until = this.#clock.monotonic() + withinMs
    while (query.answer?.tag === known) {
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0 || signal?.aborted) break
      await this.#change(query, leftMs, signal)
      query.watchedAt = this.#clock.monotonic()
      if (this.#stopped) throw new GridError('stopping', 'The processing unit is stopping')
    }
    const answer = query.answer as Watched
    if (answer.tag !== known) return answer
    // What has not been touched says the same at the position of the replica.
    const reached = query.isDirty
      ? answer.position
      : (this.#replica?.state.position ?? answer.position)
    return { tag: answer.tag, position: reached }
  }

  #queryOf(name: string, input: unknown): LiveQuery {
    if (this.#stopped) throw new GridError('stopping', 'The processing unit is stopping')
    const key = `${name} ${JSON.stringify(input)}`
    const known = this.#queries.get(key)
    if (known) return known
    if (this.#queries.size >= queriesMax)
      throw new GridError('overloaded', `${queriesMax} live queries are watched here`, {
        details: { queriesMax },
        retryAfterMs: 5000,
      })
    // It is asked with it again and again.
    freezeInput(input, name)
    const query = new LiveQuery(name, input)
    this.#queries.set(key, query)
    if (this.#queries.size === 1 && this.#replica) {
      this.#listen(this.#replica)
      this.#sweepLater()
    }
    return query
  }

  async #change(query: LiveQuery, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(ms, resolve)
    query.waiting.add(resolve)
    signal?.addEventListener('abort', () => resolve(), { once: true })
    await promise
    query.waiting.delete(resolve)
    timer.cancel()
  }

  #listen(replica: Replica): void {
    this.#unlisten?.()
    this.#unlisten = replica.listen({
      changed: (write, before) => this.#changed(write, before),
      melded: () => {
        for (const query of this.#queries.values()) if (query.readsPosition) this.#mark(query)
        if (this.#dirty.size > 0) this.#schedule()
      },
    })
  }

  #changed({ cache, key, value }: Write, before: Value | undefined): void {
    this.#interests.get(cache)?.touched(key, before, value, (query) => this.#mark(query))
  }

  /** Those of an incarnation: rows change behind the frame, before it is told to be melded. */
  #listenToRows(projections: Projections): void {
    if (projections === this.#projections) return
    this.#unlistenRows?.()
    this.#projections = projections
    this.#unlistenRows = projections.listen(({ name }, changes) => {
      const interests = this.#interests.get(name)
      if (interests)
        for (const { key, before, after } of changes)
          interests.touched(key, before, after, (query) => this.#mark(query))
    })
  }

  #mark(query: LiveQuery): void {
    if (query.isDirty) return
    query.isDirty = true
    this.#dirty.add(query)
  }

  #schedule(): void {
    if (this.#isSoon || this.#stopped) return
    this.#isSoon = true
    this.#timer?.cancel()
    this.#clock.soon(() => {
      this.#isSoon = false
      void this.#work()
    })
  }

  /** Works out what may be now, for a turn; the rest later. */
  async #work(): Promise<void> {
    const until = this.#clock.monotonic() + turnMs
    let next = Number.POSITIVE_INFINITY
    for (const query of this.#dirty) {
      if (this.#stopped) return
      const now = this.#clock.monotonic()
      if (now >= until) {
        next = 0
        break
      }
      if (query.isRunning) continue
      if (query.notBefore > now) next = Math.min(next, query.notBefore - now)
      else await this.#evaluate(query)
    }
    if (next === 0) this.#schedule()
    else if (next < Number.POSITIVE_INFINITY) this.#scheduleAfter(next)
  }

  #scheduleAfter(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(ms, () => this.#schedule())
  }

  /** @param isAsked somebody waits for it, who is to hear why it cannot be done just now */
  async #evaluate(query: LiveQuery, isAsked = false): Promise<void> {
    const replica = this.#replica
    const begun = this.#clock.monotonic()
    const made = new ReadsMade()
    const now = () => {
      made.readsTime = true
      return this.#now()
    }
    query.isRunning = true
    query.isDirty = false
    this.#dirty.delete(query)
    this.evaluations++
    let position = replica?.state.position ?? 0
    try {
      const see = (incarnation: Incarnation) => {
        this.#listenToRows(incarnation.projections)
        return made.seen(incarnation)
      }
      const asked = this.#ask.seen(query.name, query.input, see, now)
      // What is read is read by now: what changes while a promise is kept has changed since.
      this.#depend(query, made, replica)
      const answer = await asked
      position = answer.position
      query.take(answerOf(answer.result, position, query.answer))
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#depend(query, made, replica)
      if (!error.retryable) query.take(failureOf(error, position))
      else {
        query.notBefore = this.#clock.monotonic() + againMs
        this.#mark(query)
        this.#scheduleAfter(againMs)
        if (isAsked) throw error
      }
      return
    } finally {
      query.isRunning = false
    }
    const ended = this.#clock.monotonic()
    const restMs = Math.min(restMsMax, restFactor * (ended - begun))
    query.notBefore = ended + restMs
    if (query.readsTime) this.#askAgain(query)
    if (query.isDirty) this.#schedule()
  }

  #askAgain(query: LiveQuery): void {
    this.#clock.after(timeMs, () => {
      if (this.#stopped || !this.#isKept(query)) return
      this.#mark(query)
      this.#schedule()
    })
  }

  #isKept(query: LiveQuery): boolean {
    return this.#queries.get(`${query.name} ${JSON.stringify(query.input)}`) === query
  }

  #depend(query: LiveQuery, made: ReadsMade, replica: Replica | undefined): void {
    // Of a replica that is over nothing changes any more; the next one is asked anew.
    if (!replica || replica !== this.#replica || !this.#isKept(query)) return
    query.reads(made)
    const { sources } = made
    for (const [source, { keys, others }] of sources) {
      const known = query.dependencies.get(source)
      const interests = this.#interestsOf(source, replica)
      if (known) this.#drop(query, interests, known, keys)
      for (const key of keys) if (!known?.keys.has(key)) interests.add({ kind: 'key', key }, query)
      for (const other of others) interests.add(other, query)
      query.dependencies.set(source, { keys, others })
    }
    for (const source of query.dependencies.keys())
      if (!sources.has(source)) this.#undepend(query, source)
  }

  #undepend(query: LiveQuery, source: Source): void {
    const known = query.dependencies.get(source)
    const interests = this.#interests.get(source)
    if (known && interests) this.#drop(query, interests, known, new Set())
    if (interests?.isEmpty) this.#interests.delete(source)
    query.dependencies.delete(source)
  }

  #drop(
    query: LiveQuery,
    interests: Interests<LiveQuery>,
    known: { readonly keys: ReadonlySet<string>; readonly others: LiveQueryOthers },
    kept: ReadonlySet<string>,
  ): void {
    for (const key of known.keys) if (!kept.has(key)) interests.remove({ kind: 'key', key }, query)
    for (const other of known.others) interests.remove(other, query)
  }

  #interestsOf(source: Source, { state }: Replica): Interests<LiveQuery> {
    const known = this.#interests.get(source)
    if (known) return known
    const projections = this.#projections
    const layout = () =>
      typeof source === 'number'
        ? state.layout.cache(source)
        : ((projections as Projections).named(source) as ProjectionRows).layout
    const interests = new Interests<LiveQuery>(layout)
    this.#interests.set(source, interests)
    return interests
  }

  #sweepLater(): void {
    this.#sweeps = this.#clock.after(sweepMs, () => {
      const before = this.#clock.monotonic() - lingerMs
      for (const [key, query] of this.#queries)
        if (query.waiting.size === 0 && !query.isRunning && query.watchedAt < before) {
          for (const cache of [...query.dependencies.keys()]) this.#undepend(query, cache)
          this.#dirty.delete(query)
          this.#queries.delete(key)
        }
      if (this.#queries.size > 0) {
        this.#sweepLater()
        return
      }
      this.#unlistenAll()
    })
  }

  #unlistenAll(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#unlistenRows?.()
    this.#unlistenRows = undefined
    this.#projections = undefined
  }
}

type LiveQueryOthers = readonly Parameters<Interests<LiveQuery>['add']>[0][]
