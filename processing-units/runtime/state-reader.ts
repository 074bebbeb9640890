import { archiveBucketOf } from '@spacegrid/grid/core/archive-buckets'
import type { KnownArchive, UnknownKey } from '@spacegrid/grid/core/archive-reads'
import type { CacheState } from '@spacegrid/grid/core/cache-state'
import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { Reader } from '@spacegrid/grid/core/definition'
import type { Entry, EntryView } from '@spacegrid/grid/core/entry'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import { examinedEntriesMax } from '@spacegrid/grid/core/limits'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
import { ExamineBudget, type PageRead, readPage } from '@spacegrid/grid/core/page'
import type { Page, PageOptions } from '@spacegrid/grid/core/page-types'
import type { AnyProjection, Projection } from '@spacegrid/grid/core/projection/projection'
import type { ProjectionRows } from '@spacegrid/grid/core/projection/projection-rows'
import { takenRange } from '@spacegrid/grid/core/range-check'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AnyCache, Cache } from '@spacegrid/grid/core/transaction'
import { fitProblem, isKey } from '@spacegrid/grid/core/validation'
import { absentVersion } from '@spacegrid/grid/core/version'
import { collect } from '@spacegrid/grid/core/view'
import type { TSchema } from 'typebox'
import type { Projections } from './projections.ts'

/** So many of the values handed out are remembered: who reads more makes something else of them. */
const rememberedMax = 1000
const none: readonly never[] = []

/** What is read from; an incarnation has all of it. */
export interface ReadFrom {
  readonly state: SpaceState
  readonly projections: Pick<Projections, 'named'>
  /** What is known of what has left memory. Left out: nothing has. */
  readonly archive?: KnownArchive
}

/** What most queries have no use for: they look up one entry, and give it or something of it. */
class Beside {
  now: number | undefined
  /** What was handed out beside the first entry. */
  readonly others: (readonly EntryView[])[] = []
  othersCount = 0
  /** Their values, once somebody asks for one. */
  otherValues: Set<unknown> | undefined
  /** The list that a range has given last, and what it was made of. */
  list: readonly unknown[] | undefined
  listed: readonly EntryView[] = none
  readonly budget = new ExamineBudget(examinedEntriesMax)
  unknown: UnknownKey[] | undefined

  /** The values in the list, where that is the one that was given. */
  listOf(value: unknown): readonly unknown[] | undefined {
    const { list, listed } = this
    if (list === undefined || value !== list || list.length !== listed.length) return undefined
    for (let i = 0; i < list.length; i++) if (list[i] !== listed[i]?.value) return undefined
    return listed.map((it) => it.value)
  }
}

/**
 * What a query reads from: the committed state as it is during the (synchronous) handler. One is
 * made for every query, so it is small.
 */
export class StateReader implements Reader {
  readonly #readClock: () => number
  readonly #from: ReadFrom
  /** undefined: the query is over. */
  #state: SpaceState | undefined
  /** The first committed entry that was handed out: most queries look up one. */
  #first: Entry | undefined
  #beside: Beside | undefined

  constructor(from: ReadFrom, readClock: () => number) {
    this.#readClock = readClock
    this.#from = from
    this.#state = from.state
    this.#first = undefined
    this.#beside = undefined
  }

  /**
   * What was taken for missing and may be in the store: the answer is worth nothing then.
   * undefined: nothing was.
   */
  get unknown(): readonly UnknownKey[] | undefined {
    return this.#beside?.unknown
  }

  /** Whether it is a committed value that this reader has handed out: then it is data. */
  has(value: unknown): boolean {
    if (value === undefined) return false
    if (value === this.#first?.value) return true
    const beside = this.#beside
    if (beside === undefined || beside.othersCount === 0) return false
    beside.otherValues ??= new Set(
      beside.others.flatMap((entries) => entries.map((it) => it.value)),
    )
    return beside.otherValues.has(value)
  }

  /** Whether it is the first committed value that this reader has handed out. */
  gave(value: unknown): boolean {
    const entry = this.#first
    return entry !== undefined && value === entry.value
  }

  /**
   * The value itself where it is the first committed one that this reader has handed out, and fits
   * the schema; or what the last range gave, where that is it and there is no schema: a list of
   * its own, for the query may still change that. That a value fits is found out once for as long
   * as it stands: it is frozen, and most often nothing of it need be fetched from memory then.
   */
  fitting<T>(value: T, schema: TSchema | undefined): T | undefined {
    const entry = this.#first
    if (entry === undefined || value !== entry.value)
      return schema === undefined ? (this.#beside?.listOf(value) as T | undefined) : undefined
    if (schema === undefined || schema === entry.fits) return value
    if (fitProblem(schema, value)) return undefined
    entry.fits = schema
    return value
  }

  get #more(): Beside {
    this.#beside ??= new Beside()
    return this.#beside
  }

  #hand(entries: readonly EntryView[]): void {
    const beside = this.#more
    if (beside.othersCount >= rememberedMax) return
    beside.others.push(entries)
    beside.othersCount += entries.length
    beside.otherValues = undefined
  }

  /** The handler has returned: what it read would be another state by now. */
  close(): void {
    this.#state = undefined
  }

  get #open(): SpaceState {
    const state = this.#state
    if (state === undefined) throw new TypeError('the query is over: its handler has returned')
    return state
  }

  /** The same throughout the query; most never ask. */
  get now(): number {
    const beside = this.#more
    beside.now ??= this.#readClock()
    return beside.now
  }

  get position(): number {
    return this.#from.state.position
  }

  get<V>(of: Cache<V> | Projection<V>, key: string): V | undefined {
    const state = this.#open
    const layout = state.layout.named(of.name)
    const entry = layout ? state.peek(layout.number, key) : this.#rowsOf(of).rows.peek(key)
    if (entry === undefined)
      return layout?.archiveIndex === undefined ? undefined : this.#stored<V>(of, layout, key)
    const { value } = entry
    if (of.evolution !== undefined) return readValue(of, value) as V
    if (this.#first === undefined) this.#first = entry
    else this.#hand([entry])
    return value as V
  }

  /** An entry that is not in memory. */
  #stored<V>(of: AnyCache | AnyProjection, layout: CacheLayout, key: string): V | undefined {
    const { archive } = this.#from
    if (!archive || !isKey(key)) return undefined
    const state = this.#open
    const bucket = state.peek(state.layout.archived, archiveBucketOf(layout, key))
    const cacheNumber = layout.number
    const found = archive.find(cacheNumber, key, bucket?.version ?? absentVersion)
    if (found === undefined) {
      const beside = this.#more
      beside.unknown ??= []
      beside.unknown.push({ cache: cacheNumber, key })
    }
    return found ? (readValue(of as AnyCache, found) as V) : undefined
  }

  range<V>(of: Cache<V> | Projection<V>, index: string, range: IndexRange = {}): readonly V[] {
    const entries = this.#collect(of, index, range)
    if (of.evolution !== undefined) return entries.map(({ value }) => readValue(of, value) as V)
    const values = entries.map(({ value }) => value as V)
    this.#hand(entries)
    this.#more.list = values
    this.#more.listed = entries
    return values
  }

  page<V>(of: Cache<V> | Projection<V>, index: string, options?: PageOptions<V>): Page<V> {
    return this.readPage(of, index, options).page
  }

  /** The same, with what it took. */
  readPage<V>(
    of: Cache<V> | Projection<V>,
    index: string,
    options: PageOptions<V> = {},
  ): PageRead<V> {
    const { layout, number, state } = this.#indexOf(of, index)
    const { fields = [] } = layout.orders[number] ?? {}
    const { evolution } = of
    const read = readPage<V>(
      {
        ...{ cache: of.name, index, fields, named: of.indexes[index] ?? fields },
        partition: this.partition,
        scan: (range, visit, place) => {
          this.checkRange(of, index, range)
          return state.scan(number, takenRange(layout, number, range), visit, place)
        },
        valueOf: ({ value }) => (evolution === undefined ? value : readValue(of, value)) as V,
        budget: this.#more.budget,
      },
      options,
    )
    if (evolution === undefined) this.#hand(read.entries)
    return read
  }

  /** Of a divided space, the one that is read. */
  protected get partition(): number {
    return 0
  }

  /** Whether a range can be read here at all. */
  protected checkRange<V>(
    _of: Cache<V> | Projection<V>,
    _index: string,
    _range: IndexRange,
  ): void {}

  #collect(of: AnyCache | AnyProjection, index: string, range: IndexRange): readonly EntryView[] {
    const layout = this.#layoutOf(of)
    const rows = layout ? undefined : this.#rowsOf(of)
    const number = (layout ?? rows?.layout)?.indexNumber(index)
    if (number === undefined) throw noIndex(of, index)
    if (layout) return collect(this.#open, layout.number, number, range)
    return collect(rows as ProjectionRows, 0, number, range)
  }

  #indexOf(
    of: AnyCache | AnyProjection,
    index: string,
  ): { readonly layout: CacheLayout; readonly number: number; readonly state: CacheState } {
    const own = this.#layoutOf(of)
    const rows = own ? undefined : this.#rowsOf(of)
    const layout = own ?? (rows as ProjectionRows).layout
    const number = layout.indexNumber(index)
    if (number === undefined) throw noIndex(of, index)
    return { layout, number, state: rows ? rows.rows : this.#open.cache(layout.number) }
  }

  count(of: AnyCache | AnyProjection): number {
    const layout = this.#layoutOf(of)
    return layout
      ? this.#open.cache(layout.number).entries.size
      : this.#rowsOf(of).rows.entries.size
  }

  notFound(message: string): never {
    throw new GridError('not_found', message)
  }

  /** undefined: it is no cache. */
  #layoutOf({ name }: AnyCache | AnyProjection): CacheLayout | undefined {
    return this.#open.layout.named(name)
  }

  #rowsOf({ name }: AnyCache | AnyProjection): ProjectionRows {
    const rows = this.#from.projections.named(name)
    if (!rows) throw outsideSpace(name)
    return rows
  }
}

const noIndex = (of: AnyCache | AnyProjection, index: string): Error =>
  new Error(`${'schema' in of ? 'cache' : 'projection'} ${of.name} has no index ${index}`)
