import type { CacheState } from '@spacegrid/grid/core/cache-state'
import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { Entry } from '@spacegrid/grid/core/entry'
import type { IndexOrder } from '@spacegrid/grid/core/index-order'
import type { Interest } from '@spacegrid/grid/core/interests'
import type { ProjectionRows } from '@spacegrid/grid/core/projection/projection-rows'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Incarnation } from '../incarnation.ts'
import type { Projections } from '../projections.ts'

/** A cache by its number, or a projection by its name. */
export type Source = number | string

/** Keys of one cache that are told apart; who reads more of it hears of every change of it. */
const keysMax = 10_000

export interface ReadsOfSource {
  readonly keys: ReadonlySet<string>
  readonly others: readonly Interest[]
}

/**
 * What a query has read of a replica. It is seen from below the reader: whatever way a handler
 * reads in, it comes to entries by their keys, to ranges of indexes, or to a cache as a whole.
 */
export class ReadsMade {
  readonly #keys = new Map<Source, Set<string>>()
  readonly #others = new Map<Source, Interest[]>()
  /** It depends on where the replica is, and not only on what is there. */
  readsPosition = false
  readsTime = false
  #isAsked = false

  get sources(): ReadonlyMap<Source, ReadsOfSource> {
    const sources = new Map<Source, ReadsOfSource>()
    for (const cache of new Set([...this.#keys.keys(), ...this.#others.keys()])) {
      const keys = this.#keys.get(cache) ?? new Set<string>()
      const others = this.#others.get(cache) ?? []
      const isAll = keys.size > keysMax || others.some(({ kind }) => kind === 'all')
      sources.set(cache, isAll ? { keys: new Set(), others: [{ kind: 'all' }] } : { keys, others })
    }
    return sources
  }

  key(cache: Source, key: string): void {
    const keys = this.#keys.get(cache)
    if (!keys) this.#keys.set(cache, new Set([key]))
    else if (keys.size <= keysMax) keys.add(key)
  }

  add(cache: Source, interest: Interest): void {
    const others = this.#others.get(cache)
    if (others) others.push(interest)
    else this.#others.set(cache, [interest])
  }

  /** The incarnation as a reader sees it whose reads are noted here. */
  seen(incarnation: Incarnation): Incarnation {
    const { state, projections } = incarnation
    return Object.create(incarnation, {
      state: { value: this.#stateOf(state) },
      projections: { value: this.#projectionsOf(projections) },
    }) as Incarnation
  }

  #stateOf(state: SpaceState): SpaceState {
    const peek = (cache: number, key: string) => {
      this.key(cache, key)
      return state.peek(cache, key)
    }
    const scan: SpaceState['scan'] = (cache, index, range, visit) => {
      const order = state.layout.cache(cache).orders[index]
      return this.#scan(cache, order, index, range, visit, (wanted, look) =>
        state.scan(cache, index, wanted, look),
      )
    }
    const cache = (number: number) =>
      this.#cacheOf(number, state.cache(number), state.layout.cache(number).orders)
    const seen: Readonly<Record<string, unknown>> = { peek, scan, cache, layout: state.layout }
    return new Proxy(state, {
      get: (_, name) => {
        if (typeof name === 'string' && Object.hasOwn(seen, name)) return seen[name]
        // Whoever asks looks first where the state is: that the answer says anyway.
        if (name === 'position' && !this.#isAsked) {
          this.#isAsked = true
          return state.position
        }
        // Whatever else it is, it may be another one with the next record.
        this.readsPosition = true
        const value: unknown = Reflect.get(state, name, state)
        return typeof value === 'function' ? value.bind(state) : value
      },
    })
  }

  #scan(
    source: Source,
    order: IndexOrder | undefined,
    index: number,
    { limit: _, ...range }: IndexRange,
    visit: (entry: Entry) => boolean,
    scan: (range: IndexRange, visit: (entry: Entry) => boolean) => boolean,
  ): boolean {
    let last: Entry | undefined
    try {
      return scan(range, (entry) => {
        const goesOn = visit(entry)
        if (!goesOn) last = entry
        return goesOn
      })
    } finally {
      const behind = last && order ? { last: order.boundOf(last) } : {}
      this.add(source, { kind: 'range', index, range, ...behind })
    }
  }

  /** What is asked of entries themselves: one by its key, how many they are, or anything else. */
  #cacheOf(source: Source, cache: CacheState, orders: readonly IndexOrder[]): CacheState {
    const all = <Of extends object>(from: Of, name: string | symbol): unknown => {
      this.add(source, { kind: 'all' })
      const value: unknown = Reflect.get(from, name, from)
      return typeof value === 'function' ? value.bind(from) : value
    }
    const entries = new Proxy(cache.entries, {
      get: (_, name) => {
        if (name !== 'size') return all(cache.entries, name)
        this.add(source, { kind: 'count' })
        return cache.entries.size
      },
    })
    const peek = (key: string) => {
      this.key(source, key)
      return cache.peek(key)
    }
    // A page: what comes before where it begins is heard of as well.
    const scan: CacheState['scan'] = (index, range, visit, place) =>
      this.#scan(source, orders[index], index, range, visit, (wanted, look) =>
        cache.scan(index, wanted, look, place),
      )
    const seen: Readonly<Record<string, unknown>> = { entries, peek, scan }
    return new Proxy(cache, {
      get: (_, name) =>
        typeof name === 'string' && Object.hasOwn(seen, name) ? seen[name] : all(cache, name),
    })
  }

  #projectionsOf(projections: Projections): Projections {
    const named = (name: string) => {
      const rows = projections.named(name)
      return rows && this.#rowsOf(name, rows)
    }
    return Object.create(projections, { named: { value: named } }) as Projections
  }

  #rowsOf(name: string, projected: ProjectionRows): ProjectionRows {
    const { layout } = projected
    const scan: ProjectionRows['scan'] = (cache, index, range, visit) =>
      this.#scan(
        name,
        layout.orders[index],
        index,
        range,
        visit as (entry: Entry) => boolean,
        (wanted, look) => projected.scan(cache, index, wanted, look as typeof visit),
      )
    const rows = this.#cacheOf(name, projected.rows, layout.orders)
    return Object.create(projected, {
      layout: { value: layout },
      rows: { value: rows },
      scan: { value: scan },
    }) as ProjectionRows
  }
}
