import { ownInput } from '@spacegrid/grid/core/access'
import type { KnownArchive, UnknownKey } from '@spacegrid/grid/core/archive-reads'
import { runQuery, runQueryPart } from '@spacegrid/grid/core/callback'
import { type Compatibility, withoutForeign } from '@spacegrid/grid/core/compatibility'
import type { Value } from '@spacegrid/grid/core/data-types'
import type { AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import { checkEntryPlace, type Place, placedHash } from '@spacegrid/grid/core/place'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { checkFits, checkKey, freezeInput } from '@spacegrid/grid/core/validation'
import { batched, checkedBatch } from '@spacegrid/grid/doors/request/query-batch'
import type {
  BatchAnswer,
  BatchedAnswer,
  BatchedQuery,
  EntryAnswer,
  Explanation,
  QueryAnswer,
  ReadOptions,
} from '@spacegrid/grid/doors/request/serving'
import { type Clock, keptWithin } from '@spacegrid/grid/engine/ports/clock'
import type { ArchiveDesk } from './archive/archive-desk.ts'
import { ExplainedReads } from './explained-reads.ts'
import type { FaultDesk } from './fault-desk.ts'
import { type Freshness, freshMsMax } from './freshness.ts'
import type { Incarnation } from './incarnation.ts'
import { asApplication } from './origin.ts'
import type { LoadControl } from './overload/load-control.ts'
import { PlacedReader } from './placed-reader.ts'
import type { Projections } from './projections.ts'
import { ReadWait, type ReadWaitParts, waits } from './read-wait.ts'
import { StateReader } from './state-reader.ts'
import { unknownIn } from './unknown.ts'

export interface ReadsParts extends ReadWaitParts {
  /** Of the unit. */
  readonly name: string
  readonly faults: FaultDesk
  /** The partition, of a space with several. */
  readonly place: Place | undefined
  readonly load: LoadControl
  /** Commands without an outcome. */
  readonly pending: () => number
}

/** What a query is answered from: what an incarnation has at present, or what there was. */
export interface Seen extends Pick<Incarnation, 'state' | 'version'> {
  readonly projections: Pick<Projections, 'named'>
  readonly archive: KnownArchive & Pick<ArchiveDesk, 'lookUp'>
  readonly freshness: Pick<Freshness, 'at'>
}

/** Each round, a query may read entries that it has not asked for before. */
const archiveRoundsMax = 64

const leavingAllTheTime = (what: string): GridError =>
  new GridError('contended', `What ${what} reads leaves memory all the time`, { retryAfterMs: 100 })

const same = (incarnation: Incarnation): Incarnation => incarnation

/** Of a query that asks for nothing besides. */
export const asItIs: ReadOptions = Object.freeze({})

/** How a query is asked. */
interface Asked {
  readonly options: ReadOptions
  /** The clock that the query sees. */
  readonly now: () => number
  /** What it is answered from, of an incarnation. */
  readonly see: (incarnation: Incarnation) => Seen
  /** From 1; another one for each time that something had to be looked up first. */
  readonly round: number
}

/** Answers queries and reads of entries from what is committed on the replica. */
export class Reads {
  readonly #name: string
  readonly #space: Space
  readonly #clock: Clock
  readonly #now: () => number
  readonly #faults: FaultDesk
  readonly #serves: () => Incarnation
  /** How long the promise of a query is waited for. */
  readonly #waitMsMax: number
  readonly #wait: ReadWait
  readonly #place: Place | undefined
  readonly #load: LoadControl
  readonly #plainly: Asked
  /** What has left memory is looked up, and a query that wants it runs once more with its input. */
  readonly #looksAgain: boolean

  constructor(space: Space, parts: ReadsParts) {
    const { name, clock, now, faults, serves, waitMsMax, place, load } = parts
    this.#load = load
    this.#isBusy = () => parts.pending() > 0
    this.#name = name
    this.#place = place
    this.#space = space
    this.#looksAgain = space.caches.some(({ archive }) => archive !== undefined)
    this.#clock = clock
    this.#now = now
    this.#plainly = this.#asked(asItIs)
    this.#faults = faults
    this.#serves = serves
    this.#waitMsMax = waitMsMax
    this.#wait = new ReadWait(parts)
  }

  query(name: string, input: unknown, options: ReadOptions): Promise<QueryAnswer<number>> {
    // No more than a reader, the answer and its promise are made of a query that asks for nothing
    // besides: there are more of them than of anything else.
    try {
      const query = this.queryAsked(name, input)
      if (options === asItIs)
        return Promise.resolve(this.#ask(query, input, this.#serves(), this.#plainly))
      const asked = this.#asked(options)
      if (this.#takesTurn(name, options)) return this.#inTurn(query, input, asked)
      if (waits(options))
        return this.#wait.at(options).then((it) => this.#ask(query, input, it, asked))
      return Promise.resolve(this.#ask(query, input, this.#serves(), asked))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #asked(options: ReadOptions): Asked {
    return { options, now: this.#now, see: same, round: 1 }
  }

  /** What the process asks of itself it knows to be costly. */
  #takesTurn(name: string, { caller }: ReadOptions): boolean {
    return caller !== undefined && this.#load.takesTurns && this.#load.queries.isCostly(name)
  }

  async #inTurn(query: AnyQuery, input: unknown, asked: Asked): Promise<QueryAnswer<number>> {
    const { options } = asked
    // Nobody waits for what this one waits for.
    if (waits(options)) await this.#wait.at(options)
    const work = () =>
      waits(options)
        ? this.#wait.at(options).then((it) => this.#ask(query, input, it, asked))
        : this.#ask(query, input, this.#serves(), asked)
    return await this.#load.queries.run(query.name, this.#isBusy, work, options)
  }

  readonly #isBusy: () => boolean

  /**
   * As `query`, at once, from what `see` makes of the present incarnation. `now`: the clock that
   * the query sees.
   */
  async seen(
    name: string,
    input: unknown,
    see: (incarnation: Incarnation) => Seen,
    now: () => number,
    options: Pick<ReadOptions, 'explain'> = {},
  ): Promise<QueryAnswer<number>> {
    const query = this.queryAsked(name, input)
    return await this.#ask(query, input, see(this.#serves()), { options, now, see, round: 1 })
  }

  /** @throws GridError `unknown_query`, `invalid_input` */
  queryAsked(name: string, input: unknown): AnyQuery {
    const query = this.#space.queries.get(name)
    if (!query) throw unknownIn(this.#space, 'query', name)
    checkFits(query.input, ownInput(query, input), name)
    if (this.#looksAgain) freezeInput(input, name)
    return query
  }

  /** @throws GridError `position_timeout`, `not_ready`, `stopping` */
  async reached(position: number): Promise<void> {
    await this.#wait.at({ position })
  }

  #ask(
    query: AnyQuery,
    input: unknown,
    from: Seen,
    asked: Asked,
  ): QueryAnswer<number> | Promise<QueryAnswer<number>> {
    const { options } = asked
    const reader = this.#readerOf(query, input, from, asked.now)
    if (options.explain) return this.#explain(query, reader, input, from, asked)
    const { position } = from.state
    const begun = options.caller === undefined ? 0 : this.#clock.monotonic()
    let result: unknown
    try {
      // In process it is asked more often than anybody could mark what it leaves behind.
      result =
        options === asItIs
          ? this.#run(query, reader, input, from.version)
          : asApplication(() => this.#run(query, reader, input, from.version))
    } catch (thrown) {
      if (reader.unknown) return this.#askAgain(query, input, from, asked, reader.unknown)
      return this.#judgeQuery(query, thrown)
    } finally {
      reader.close()
      if (begun !== 0) this.#load.queries.ran(query.name, begun)
    }
    // Of a value that was committed nothing need be fetched from memory, not even what it is.
    const isPromise = !reader.gave(result) && result instanceof Promise
    const answer = { result, position }
    if (isPromise || reader.unknown)
      return this.#askOn(query, input, from, asked, answer, reader.unknown)
    return tellsAge(options) ? aged(answer, this.#wait.ageMs(from), options) : answer
  }

  #readerOf(query: AnyQuery, input: unknown, from: Seen, now: () => number): StateReader {
    const place = this.#place
    if (!place) return new StateReader(from, now)
    if (query.partitionBy) placedHash(place, query.partitionBy, input, `query ${query.name}`)
    return new PlacedReader(from, now, place)
  }

  /** Whose answer is not there yet. */
  #askOn(
    query: AnyQuery,
    input: unknown,
    from: Seen,
    asked: Asked,
    { result, position }: QueryAnswer<number>,
    unknown: readonly UnknownKey[] | undefined,
  ): Promise<QueryAnswer<number>> {
    const whole = Promise.resolve(result)
    if (unknown) {
      // Nobody waits for it: it has not seen what there is.
      whole.catch(() => undefined)
      return this.#askAgain(query, input, from, asked, unknown)
    }
    const { options } = asked
    const tells = tellsAge(options)
    const readAt = this.#clock.monotonic()
    const ageMs = tells ? this.#wait.ageMs(from) : 0
    return keptWithin(this.#clock, this.#waitMsMax, whole).then(
      (value) => {
        const age = ageMs + this.#clock.monotonic() - readAt
        const answer = { result: value, position }
        return tells ? aged(answer, age, options) : answer
      },
      (thrown) => this.#judgeQuery(query, thrown),
    )
  }

  #run(query: AnyQuery, reader: StateReader, input: unknown, version: Compatibility): unknown {
    return this.#place && query.everyPartition
      ? runQueryPart(query, reader, input)
      : runQuery(query, reader, input, version)
  }

  async #explain(
    query: AnyQuery,
    reader: StateReader,
    input: unknown,
    from: Seen,
    asked: Asked,
  ): Promise<QueryAnswer<number>> {
    const { state, version } = from
    const { position } = state
    const explained = new ExplainedReads(reader)
    const begun = this.#clock.monotonic()
    const ageMs = this.#wait.ageMs(from)
    let returned: unknown
    try {
      returned = asApplication(() => this.#run(query, explained.reader, input, version))
    } catch (thrown) {
      if (reader.unknown) return await this.#askAgain(query, input, from, asked, reader.unknown)
      return this.#judgeQuery(query, thrown)
    } finally {
      reader.close()
    }
    const tookMs = this.#clock.monotonic() - begun
    const whole = Promise.resolve(returned)
    if (reader.unknown) {
      whole.catch(() => undefined)
      return await this.#askAgain(query, input, from, asked, reader.unknown)
    }
    const explanation: Explanation = {
      unit: this.#name,
      ...(this.#place ? { partition: this.#place.partition } : {}),
      ...{ position, ageMs: Math.ceil(ageMs), tookMs: Math.round(tookMs * 1000) / 1000 },
      reads: explained.reads,
    }
    try {
      const result = await keptWithin(this.#clock, this.#waitMsMax, whole)
      return aged({ result, position, explanation: [explanation] }, ageMs, asked.options)
    } catch (thrown) {
      return this.#judgeQuery(query, thrown)
    }
  }

  /**
   * All of them in one turn: the state does not change meanwhile. If one has to be asked again on a
   * later state, so have the others.
   */
  async queries(
    batch: readonly BatchedQuery[],
    options: ReadOptions,
  ): Promise<BatchAnswer<number>> {
    const asked = checkedBatch(batch)
    const costly = asked.find(({ query }) => this.#takesTurn(query, options))
    if (!costly) return await this.#batch(asked, options)
    const work = () => this.#batch(asked, options)
    return await this.#load.queries.run(costly.query, this.#isBusy, work, options)
  }

  async #batch(asked: readonly BatchedQuery[], options: ReadOptions): Promise<BatchAnswer<number>> {
    for (let round = 1; round <= archiveRoundsMax; round++) {
      const incarnation = waits(options) ? await this.#wait.at(options) : this.#serves()
      const { position } = incarnation.state
      let isLater = false
      const see = (other: Incarnation) => {
        isLater ||= other !== incarnation || other.state.position !== position
        return other
      }
      const begun = asked.map((one) => this.#begin(one, incarnation, options, see))
      const ageMs = this.#wait.ageMs(incarnation)
      const answers = await Promise.all(begun)
      if (isLater) continue
      const answer = { answers, position }
      return tellsAge(options) ? aged(answer, ageMs, options) : answer
    }
    throw leavingAllTheTime('a batch')
  }

  /** Runs up to its first wait at once. */
  #begin(
    { query: name, input }: BatchedQuery,
    incarnation: Incarnation,
    options: ReadOptions,
    see: (incarnation: Incarnation) => Seen,
  ): Promise<BatchedAnswer> {
    return batched(() => {
      const query = this.queryAsked(name, input)
      return this.#ask(query, input, incarnation, { options, now: this.#now, see, round: 1 })
    })
  }

  /** On a later state, when it is known what has left memory of what it has asked for. */
  async #askAgain(
    query: AnyQuery,
    input: unknown,
    { archive }: Seen,
    asked: Asked,
    unknown: readonly UnknownKey[],
  ): Promise<QueryAnswer<number>> {
    const { options, see, round } = asked
    if (round > archiveRoundsMax) throw leavingAllTheTime(query.name)
    await archive.lookUp(unknown)
    const incarnation = waits(options) ? await this.#wait.at(options) : this.#serves()
    return await this.#ask(query, input, see(incarnation), { ...asked, round: round + 1 })
  }

  #judgeQuery(query: AnyQuery, thrown: unknown): never {
    throw this.#faults.judge({ kind: 'query', name: query.name, declared: query }, thrown)
  }

  entry(cacheName: string, key: string, options: ReadOptions): Promise<EntryAnswer<number>> {
    return this.#read(options, () => this.entryAsked(cacheName, key, options))
  }

  /**
   * What gives the entry as somebody sees it.
   * @throws GridError `unknown_cache`, `invalid_key`, `wrong_partition`
   */
  entryAsked(
    cacheName: string,
    key: string,
    options: ReadOptions,
  ): (seen: Seen) => EntryAnswer<number> {
    const cache = this.cacheAsked(cacheName, key)
    return (seen) => {
      const { state } = seen
      const layout = state.layout.named(cacheName)
      const entry = layout && state.peek(layout.number, key)
      if (!layout || !entry)
        throw new GridError('not_found', `There is no entry ${JSON.stringify(key)} in ${cacheName}`)
      const answer = {
        value: this.#told(cache, layout, entry.value),
        version: entry.version,
        writtenAt: entry.position,
        position: state.position,
      }
      return tellsAge(options) ? aged(answer, this.#wait.ageMs(seen), options) : answer
    }
  }

  /** @throws GridError `unknown_cache`, `invalid_key`, `wrong_partition` */
  cacheAsked(cacheName: string, key: string): AnyCache {
    const cache = this.#space.caches.find(({ name }) => name === cacheName)
    if (!cache) throw unknownIn(this.#space, 'cache', cacheName)
    checkKey(key, `cache ${cacheName}`)
    if (this.#place) checkEntryPlace(this.#place, cache, key)
    return cache
  }

  /**
   * Fields that only other versions know are not for this one to tell: it cannot know who may read
   * them.
   */
  #told(cache: AnyCache, layout: CacheLayout, value: Value): Value {
    try {
      const read = readValue(cache, value)
      return withoutForeign(read, cache, layout) ?? read
    } catch (thrown) {
      throw this.#faults.judge({ kind: 'upcast', name: cache.name, declared: cache }, thrown)
    }
  }

  /** A value of the past, by what is known of its fields now. */
  toldAsNow(cache: AnyCache, value: Value): Value {
    const layout = this.#serves().state.layout.named(cache.name)
    return this.#told(cache, layout as CacheLayout, value)
  }

  /**
   * Checks what is asked, then reads: at once unless the caller asks for a position, and then no
   * more than the answer's own promise is made.
   */
  #read<T>(
    options: ReadOptions,
    prepare: () => (incarnation: Incarnation) => T | Promise<T>,
  ): Promise<T> {
    try {
      const read = prepare()
      if (waits(options)) return this.#wait.at(options).then(read)
      return Promise.resolve(read(this.#serves()))
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/**
 * In process nobody is told who does not ask: to look at the clock takes as long as to look up an
 * entry.
 */
const tellsAge = ({ caller, stalenessMs }: ReadOptions): boolean =>
  caller !== undefined || stalenessMs !== undefined

/** What is fresh does not say how old it is, unless its caller has said how old it may be. */
export function aged<Answer extends object>(
  answer: Answer,
  ageMs: number,
  { stalenessMs }: ReadOptions,
): Answer & { readonly ageMs?: number } {
  if (ageMs <= freshMsMax && stalenessMs === undefined) return answer
  return { ...answer, ageMs: Math.ceil(ageMs) }
}
