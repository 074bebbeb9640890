import { GridError } from '../errors.ts'
import type { AnyCache, Cache, IndexRange, Projection, Reader } from '../space/definition.ts'
import type { SpaceState } from '../space/space-state.ts'
import { collect } from '../space/view.ts'

/** Reads the committed state of a harness: what its queries are given. */
export class StateReader implements Reader {
  readonly #state: SpaceState
  readonly #models: ReadonlyMap<string, unknown>
  readonly #now: () => number

  /** @param models the projections' read models, by name */
  constructor(state: SpaceState, models: ReadonlyMap<string, unknown>, now: () => number) {
    this.#state = state
    this.#models = models
    this.#now = now
  }

  get now(): number {
    return this.#now()
  }

  get position(): number {
    return this.#state.position
  }

  get<V>(cache: Cache<V>, key: string): V | undefined {
    return this.#state.find(this.#numberOf(cache), key)?.value as V | undefined
  }

  range<V, I extends string>(cache: Cache<V, I>, index: I, range: IndexRange = {}): readonly V[] {
    const number = this.#numberOf(cache)
    const indexNumber = this.#state.layout.cache(number).indexNumber(index)
    if (indexNumber === undefined) throw new Error(`cache ${cache.name} has no index ${index}`)
    return collect(this.#state, number, indexNumber, range).map(({ value }) => value as V)
  }

  /** All entries of a cache, in no particular order. Not for queries: tests compare whole caches. */
  entries<V>(cache: Cache<V>): V[] {
    const { entries } = this.#state.cache(this.#numberOf(cache))
    return Array.from(entries.values(), ({ value }) => value as V)
  }

  count(cache: AnyCache): number {
    return this.#state.cache(this.#numberOf(cache)).entries.size
  }

  projection<M, V>(projection: Projection<M, V>): M {
    if (!this.#models.has(projection.name))
      throw new Error(`projection ${projection.name} is not in the space's definition`)
    return this.#models.get(projection.name) as M
  }

  notFound(message: string): never {
    throw new GridError('not_found', message)
  }

  #numberOf(cache: AnyCache): number {
    const layout = this.#state.layout.named(cache.name)
    if (!layout) throw new Error(`cache ${cache.name} is not in the space's definition`)
    return layout.number
  }
}
