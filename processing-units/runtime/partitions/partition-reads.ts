import { ownInput } from '@spacegrid/grid/core/access'
import { mergedResult } from '@spacegrid/grid/core/callback'
import type { AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import { positionsOf, tokenOf, tokenOfAll } from '@spacegrid/grid/core/position'
import { checkFits, checkKey, freezeInput } from '@spacegrid/grid/core/validation'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import { checkedBatch } from '@spacegrid/grid/doors/request/query-batch'
import { type AskedRead, positionInvalid } from '@spacegrid/grid/doors/request/request-options'
import type {
  BatchAnswer,
  BatchedAnswer,
  BatchedQuery,
  EntryAnswer,
  QueryAnswer,
  ReadOptions,
} from '@spacegrid/grid/doors/request/serving'
import type { HistoryOfKey } from '@spacegrid/grid/doors/request/told-history'
import { type Clock, keptWithin } from '@spacegrid/grid/engine/ports/clock'
import { freshMsMax } from '../freshness.ts'
import { asApplication } from '../origin.ts'
import type { PlacedHistory } from '../past/unit-past.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { tooStale } from '../read-wait.ts'
import { aged } from '../reads.ts'
import { unknownIn } from '../unknown.ts'
import type { AskOfPartition } from './partition-asking.ts'
import { type EntryPlace, partitionOfInput, partitionOfKey } from './partition-of.ts'
import { momentIn, type PassedPast, type PastRead, pastRequest, readPast } from './passed-past.ts'
import { unpackedBatch } from './passed-request.ts'
import { everyOne } from './scatter.ts'

export interface PartitionReadsParts {
  readonly clock: Clock
  /** Longest wait for a position. */
  readonly waitMsMax: number
  /** Partitions that are asked at the same time. */
  readonly scatterMax: number
  /** Asks those that keep the partition, until one has an answer. */
  atKeepers<Answer>(ask: AskOfPartition<Answer>): Promise<Answer>
  /** What the application's merge has thrown. */
  judge(query: AnyQuery, thrown: unknown): GridError
}

/** A state of the past: as long as its unit lets anybody wait, and a moment more, ms. */
const pastMsMax = 25_000

type Here<Answer> = (unit: ProcessingUnit, options: ReadOptions) => Promise<Answer>

/** Queries and reads of entries of a divided space, wherever its partitions are kept. */
export class PartitionReads {
  readonly #space: Space
  readonly #parts: PartitionReadsParts
  readonly #all: readonly number[]

  constructor(space: Space, parts: PartitionReadsParts) {
    this.#space = space
    this.#parts = parts
    this.#all = Array.from({ length: space.partitions ?? 1 }, (_, partition) => partition)
  }

  async query(name: string, input: unknown, options: AskedRead): Promise<QueryAnswer<string>> {
    const query = this.#space.queries.get(name)
    if (!query) throw unknownIn(this.#space, 'query', name)
    if (query.everyPartition) return await this.#scatter(query, input, options)
    const partition = partitionOfInput(this.#space, query, input)
    return await this.queryAt(partition, name, input, options)
  }

  /** A query of one partition, which is known. */
  async queryAt(
    partition: number,
    name: string,
    input: unknown,
    options: AskedRead,
  ): Promise<QueryAnswer<string>> {
    const answer = await this.#queryAt(partition, name, input, options)
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  /**
   * Each partition that any of them is about is asked once, for all that it can say: it answers
   * them at one of its positions.
   */
  async queries(batch: readonly BatchedQuery[], options: AskedRead): Promise<BatchAnswer<string>> {
    const asked = checkedBatch(batch)
    const places = asked.map((one) => this.#placesOf(one))
    const wanted = new Set(places.flatMap((those) => (Array.isArray(those) ? those : [])))
    const partitions = [...wanted].sort((one, other) => one - other)
    const answers = await everyOne(partitions, this.#parts.scatterMax, (partition) => {
      const here = asked.filter((_, at) => isAmong(places[at], partition))
      return this.#queriesAt(partition, here, options)
    })
    const parts = new Map<number, BatchedAnswer[]>()
    for (const [at, { answers: given }] of answers.entries())
      parts.set(partitions[at] as number, [...given])
    const made = await Promise.all(
      asked.map((one, at) => {
        const those = places[at]
        if (!Array.isArray(those)) return those as BatchedAnswer
        const given = those.map((partition) => parts.get(partition)?.shift() as BatchedAnswer)
        return this.#together(one, given)
      }),
    )
    const positions = new Map(
      answers.map(({ position }, at) => [partitions[at] as number, position] as const),
    )
    return { answers: made, position: tokenOfAll(positions), ...oldestOf(answers) }
  }

  /** The same of one partition, which is known. */
  async queriesAt(
    partition: number,
    batch: readonly BatchedQuery[],
    options: AskedRead,
  ): Promise<BatchAnswer<string>> {
    const answer = await this.#queriesAt(partition, checkedBatch(batch), options)
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  /** The partitions that a query is about, or why it is not asked. */
  #placesOf({ query: name, input }: BatchedQuery): readonly number[] | BatchedAnswer {
    try {
      const query = this.#space.queries.get(name)
      if (!query) throw unknownIn(this.#space, 'query', name)
      if (!query.everyPartition) return [partitionOfInput(this.#space, query, input)]
      checkFits(query.input, ownInput(query, input), name)
      freezeInput(input, name)
      return this.#all
    } catch (error) {
      if (!isGridError(error)) throw error
      return { error }
    }
  }

  async #together(
    { query: name, input }: BatchedQuery,
    given: readonly BatchedAnswer[],
  ): Promise<BatchedAnswer> {
    const query = this.#space.queries.get(name) as AnyQuery
    const failed = given.find((one) => 'error' in one)
    if (failed) return failed
    const explained = given.flatMap((one) => one.explanation ?? [])
    const explanation = explained.length > 0 ? { explanation: explained } : {}
    const results = given.map((one) => (one as { readonly result: unknown }).result)
    if (!query.everyPartition) return { result: results[0], ...explanation }
    try {
      return { result: await this.#merged(query, results, input), ...explanation }
    } catch (thrown) {
      return { error: this.#parts.judge(query, thrown) }
    }
  }

  async #queriesAt(
    partition: number,
    batch: readonly BatchedQuery[],
    options: AskedRead,
  ): Promise<BatchAnswer<number>> {
    const here: Here<BatchAnswer<number>> = (unit, asked) => unit.queries(batch, asked)
    return unpackedBatch(await this.#read('queries', partition, '', batch, options, here))
  }

  /**
   * Every partition is asked at one of those that keep it; one that cannot answer fails the whole.
   */
  async #scatter(
    query: AnyQuery,
    input: unknown,
    options: AskedRead,
  ): Promise<QueryAnswer<string>> {
    checkFits(query.input, ownInput(query, input), query.name)
    freezeInput(input, query.name)
    const answers = await everyOne(this.#all, this.#parts.scatterMax, (partition) =>
      this.#queryAt(partition, query.name, input, options),
    )
    const results = answers.map(({ result }) => result)
    const positions = new Map(answers.map(({ position }, partition) => [partition, position]))
    const explained = answers.flatMap(({ explanation }) => explanation ?? [])
    try {
      const result = await this.#merged(query, results, input)
      return {
        ...{ result, position: tokenOfAll(positions), ...oldestOf(answers) },
        ...(explained.length > 0 ? { explanation: explained } : {}),
      }
    } catch (thrown) {
      throw this.#parts.judge(query, thrown)
    }
  }

  #merged(query: AnyQuery, results: readonly unknown[], input: unknown): Promise<unknown> {
    const { clock, waitMsMax } = this.#parts
    const merged = asApplication(mergedResult, query, results, input)
    return keptWithin(clock, waitMsMax, Promise.resolve(merged))
  }

  #queryAt(
    partition: number,
    name: string,
    input: unknown,
    options: AskedRead,
  ): Promise<QueryAnswer<number>> {
    return this.#read('query', partition, name, input, options, (unit, asked) =>
      unit.query(name, input, asked),
    )
  }

  async entry(cache: string, key: string, options: AskedRead): Promise<EntryAnswer<string>> {
    const place = this.#placeOf(cache, key)
    if (place?.isCertain) return await this.entryAt(place.partition, cache, key, options)
    const found = place && (await this.#entryIf(place.partition, cache, key, options))
    if (found) return found
    const asked = await everyOne(this.#all, this.#parts.scatterMax, (partition) =>
      this.#entryIf(partition, cache, key, options),
    )
    const entry = asked.find((it) => it !== undefined)
    if (entry) return entry
    throw new GridError('not_found', `There is no entry ${JSON.stringify(key)} in ${cache}`)
  }

  /**
   * Partitions in which an entry may be, going by its key.
   * @throws GridError `unknown_cache`, `invalid_key`
   */
  placesOfEntry(cache: string, key: string): readonly number[] {
    const place = this.#placeOf(cache, key)
    return place?.isCertain ? [place.partition] : this.#all
  }

  #placeOf(cache: string, key: string): EntryPlace | undefined {
    const declared = this.#space.caches.find(({ name }) => name === cache)
    if (!declared) throw unknownIn(this.#space, 'cache', cache)
    checkKey(key, `cache ${cache}`)
    return partitionOfKey(this.#space, declared, key)
  }

  async #entryIf(
    ...asked: Parameters<PartitionReads['entryAt']>
  ): Promise<EntryAnswer<string> | undefined> {
    try {
      return await this.entryAt(...asked)
    } catch (error) {
      if (isGridError(error, 'not_found')) return undefined
      throw error
    }
  }

  /** An entry of one partition, which is known. */
  async entryAt(
    partition: number,
    cache: string,
    key: string,
    options: AskedRead,
  ): Promise<EntryAnswer<string>> {
    const answer = await this.#read<EntryAnswer<number>>(
      'entry',
      partition,
      cache,
      key,
      options,
      (unit, asked) => unit.entry(cache, key, asked),
    )
    const { position, writtenAt } = answer
    return {
      ...answer,
      position: tokenOf(partition, position),
      writtenAt: tokenOf(partition, writtenAt),
    }
  }

  /** A page of what has become of an entry, in one partition. */
  async historyAt(partition: number, cache: string, input: HistoryOfKey): Promise<PlacedHistory> {
    return (await this.#past(partition, cache, { read: 'history', input })) as PlacedHistory
  }

  async #past(
    partition: number,
    name: string,
    asked: PassedPast,
    caller?: Caller,
  ): Promise<unknown> {
    try {
      return await this.#parts.atKeepers<unknown>({
        partition,
        request: pastRequest(partition, name, asked, caller),
        withinMs: pastMsMax,
        isOnce: false,
        here: (unit) => readPast(unit.past, name, asked),
      })
    } catch (error) {
      if (!isGridError(error, 'position_out_of_reach')) throw error
      throw outOfReachIn(logNameOf(this.#space.name, partition), partition, error)
    }
  }

  /**
   * What comes from elsewhere has grown older on its way: by the time since it was asked for, at
   * most. A process that was frozen meanwhile notices, and asks once more where that is too old.
   */
  async #read<Answer extends { readonly ageMs?: number }>(
    kind: Exclude<PastRead, 'history'>,
    partition: number,
    name: string,
    input: unknown,
    options: AskedRead,
    here: Here<Answer>,
  ): Promise<Answer> {
    const { clock } = this.#parts
    const { caller, stalenessMs, asOf } = options
    if (asOf !== undefined) {
      const { explain } = options
      const asked = { read: kind, input, explain, ...momentIn(asOf, partition) }
      return (await this.#past(partition, name, asked, caller)) as Answer
    }
    if (caller === undefined && stalenessMs === undefined)
      return await this.#readOnce(kind, partition, name, input, options, here)
    for (let attempt = 1; ; attempt++) {
      const askedAt = clock.monotonic()
      let isHere = false
      const read: Here<Answer> = async (unit, asked) => {
        const answer = await here(unit, asked)
        isHere = true
        return answer
      }
      const answer = await this.#readOnce(kind, partition, name, input, options, read)
      const wayMs = clock.monotonic() - askedAt
      if (isHere || wayMs <= freshMsMax) return answer
      const ageMs = (answer.ageMs ?? freshMsMax) + wayMs
      if (stalenessMs === undefined || ageMs <= stalenessMs) return aged(answer, ageMs, options)
      if (attempt === 2) throw tooStale(ageMs, stalenessMs)
    }
  }

  #readOnce<Answer>(
    kind: Exclude<PastRead, 'history'>,
    partition: number,
    name: string,
    input: unknown,
    options: AskedRead,
    here: Here<Answer>,
  ): Promise<Answer> {
    const { latest, caller, stalenessMs, explain } = options
    const position = positionIn(options, partition)
    const asked = { ...options, position }
    return this.#parts.atKeepers<Answer>({
      partition,
      request: { kind, partition, name, input, position, latest, stalenessMs, explain, caller },
      // For the newest position, the position itself, a state that is new enough and the end of
      // what it holds, and what the query has promised.
      withinMs: 5 * this.#parts.waitMsMax,
      isOnce: false,
      here: (unit) => here(unit, asked as ReadOptions),
    })
  }
}

const isAmong = (places: readonly number[] | BatchedAnswer | undefined, partition: number) =>
  Array.isArray(places) && places.includes(partition)

/** What is made of several answers is as old as the oldest of them. */
function oldestOf(answers: readonly { readonly ageMs?: number }[]): { readonly ageMs?: number } {
  const ages = answers.flatMap(({ ageMs }) => (ageMs === undefined ? [] : [ageMs]))
  return ages.length > 0 ? { ageMs: Math.max(...ages) } : {}
}

/** Positions of one log mean nothing to callers. */
function outOfReachIn(
  logName: LogName,
  partition: number,
  { message, details }: GridError,
): GridError {
  const token = (position: unknown) => tokenOf(partition, Number(position))
  const { oldest, newest } = details
  const reach = oldest === undefined ? {} : { oldest: token(oldest), newest: token(newest) }
  return new GridError('position_out_of_reach', `${logName}: ${message}`, {
    details: { ...details, ...reach },
  })
}

function positionIn({ position }: ReadOptions, partition: number): number | undefined {
  if (position === undefined) return undefined
  const positions = positionsOf(position)
  if (!positions) throw positionInvalid()
  return positions.get(partition)
}
