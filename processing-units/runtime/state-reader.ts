import type {
  AnyCache,
  AnyProjection,
  Cache,
  IndexRange,
  Projection,
  Reader,
} from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { collect } from '@spacegrid/grid/core/view'
import type { Projections } from './projections.ts'
import { readOnly } from './read-only.ts'

/** So many of the values handed out are remembered: who reads more makes something else of them. */
const rememberedMax = 1000

/** What a query reads from: the committed state as it is during the (synchronous) handler. */
export class StateReader implements Reader {
  readonly #readClock: () => number
  #now: number | undefined
  #closed = false
  /** Committed values that were handed out: most queries look up one. */
  #first: object | undefined
  #others: Set<object> | undefined
  readonly #state: SpaceState
  readonly #projections: Projections

  constructor(state: SpaceState, projections: Projections, readClock: () => number) {
    this.#state = state
    this.#projections = projections
    this.#readClock = readClock
  }

  /** Whether it is a committed value that this reader has handed out: then it is data. */
  has(value: object): boolean {
    return value === this.#first || (this.#others?.has(value) ?? false)
  }

  #hand(value: object): void {
    this.#others ??= new Set()
    if (this.#others.size < rememberedMax) this.#others.add(value)
  }

  /** The handler has returned: what it read would be another state by now. */
  close(): void {
    this.#closed = true
  }

  #checkOpen(): void {
    if (this.#closed) throw new TypeError('the query is over: its handler has returned')
  }

  /** The same throughout the query; most never ask. */
  get now(): number {
    this.#now ??= this.#readClock()
    return this.#now
  }

  get position(): number {
    return this.#state.position
  }

  get<V>(cache: Cache<V>, key: string): V | undefined {
    const stored = this.#state.find(this.#layoutOf(cache).number, key)?.value
    const value =
      cache.evolution === undefined || stored === undefined ? stored : readValue(cache, stored)
    if (this.#first === undefined) this.#first = value
    else if (value) this.#hand(value)
    return value as V | undefined
  }

  range<V, I extends string>(cache: Cache<V, I>, index: I, range: IndexRange = {}): readonly V[] {
    const layout = this.#layoutOf(cache)
    const number = layout.indexNumber(index)
    if (number === undefined) throw new Error(`cache ${cache.name} has no index ${index}`)
    return collect(this.#state, layout.number, number, range).map((entry) => {
      const value = readValue(cache, entry.value)
      this.#hand(value)
      return value as V
    })
  }

  count(cache: AnyCache): number {
    return this.#state.cache(this.#layoutOf(cache).number).entries.size
  }

  projection<M, V>(projection: Projection<M, V>): M {
    this.#checkOpen()
    return readOnly(this.#projections.model<M>(projection as AnyProjection))
  }

  notFound(message: string): never {
    throw new GridError('not_found', message)
  }

  #layoutOf(cache: AnyCache): CacheLayout {
    this.#checkOpen()
    const layout = this.#state.layout.named(cache.name)
    if (!layout) throw new Error(`cache ${cache.name} is not in the space's definition`)
    return layout
  }
}
