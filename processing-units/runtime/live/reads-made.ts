import type { IndexRange } from '@spacegrid/grid/core/definition'
import type { Entry } from '@spacegrid/grid/core/entry'
import type { Interest } from '@spacegrid/grid/core/interests'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Incarnation } from '../incarnation.ts'
import type { Projections } from '../projections.ts'

/** Keys of one cache that are told apart; who reads more of it hears of every change of it. */
const keysMax = 10_000

export interface ReadsOfCache {
  readonly keys: ReadonlySet<string>
  readonly others: readonly Interest[]
}

/**
 * What a query has read of a replica. It is seen from below the reader: whatever way a handler
 * reads in, it comes to entries by their keys, to ranges of indexes, or to a cache as a whole.
 */
export class ReadsMade {
  readonly #keys = new Map<number, Set<string>>()
  readonly #others = new Map<number, Interest[]>()
  /** It depends on where the replica is, and not only on what is there. */
  readsPosition = false
  readsTime = false
  #isAsked = false

  /** By number of the cache. */
  get caches(): ReadonlyMap<number, ReadsOfCache> {
    const caches = new Map<number, ReadsOfCache>()
    for (const cache of new Set([...this.#keys.keys(), ...this.#others.keys()])) {
      const keys = this.#keys.get(cache) ?? new Set<string>()
      const others = this.#others.get(cache) ?? []
      const isAll = keys.size > keysMax || others.some(({ kind }) => kind === 'all')
      caches.set(cache, isAll ? { keys: new Set(), others: [{ kind: 'all' }] } : { keys, others })
    }
    return caches
  }

  key(cache: number, key: string): void {
    const keys = this.#keys.get(cache)
    if (!keys) this.#keys.set(cache, new Set([key]))
    else if (keys.size <= keysMax) keys.add(key)
  }

  add(cache: number, interest: Interest): void {
    const others = this.#others.get(cache)
    if (others) others.push(interest)
    else this.#others.set(cache, [interest])
  }

  /** The incarnation as a reader sees it whose reads are noted here. */
  seen(incarnation: Incarnation): Incarnation {
    const { state, projections } = incarnation
    return Object.create(incarnation, {
      state: { value: this.#stateOf(state) },
      projections: { value: this.#projectionsOf(projections, state) },
    }) as Incarnation
  }

  #stateOf(state: SpaceState): SpaceState {
    const find = (cache: number, key: string) => {
      this.key(cache, key)
      return state.find(cache, key)
    }
    const scan: SpaceState['scan'] = (cache, index, range, visit) =>
      this.#scan(state, cache, index, range, visit)
    const cache = (number: number) => this.#cacheOf(state, number)
    const seen: Readonly<Record<string, unknown>> = { find, scan, cache, layout: state.layout }
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
    state: SpaceState,
    cache: number,
    index: number,
    { limit: _, ...range }: IndexRange,
    visit: (entry: Entry) => boolean,
  ): boolean {
    let last: Entry | undefined
    const isWhole = state.scan(cache, index, range, (entry) => {
      const goesOn = visit(entry)
      if (!goesOn) last = entry
      return goesOn
    })
    const order = state.layout.cache(cache).orders[index]
    const behind = last && order ? { last: order.boundOf(last) } : {}
    this.add(cache, { kind: 'range', index, range, ...behind })
    return isWhole
  }

  /** What is asked of a cache itself: how many entries it has, or all of it. */
  #cacheOf(state: SpaceState, number: number): object {
    const cache = state.cache(number)
    const all = (from: object) => (_: object, name: string | symbol) => {
      this.add(number, { kind: 'all' })
      const value: unknown = Reflect.get(from, name, from)
      return typeof value === 'function' ? value.bind(from) : value
    }
    const entries = new Proxy(cache.entries, {
      get: (target, name) => {
        if (name !== 'size') return all(cache.entries)(target, name)
        this.add(number, { kind: 'count' })
        return cache.entries.size
      },
    })
    return new Proxy(cache, {
      get: (target, name) => (name === 'entries' ? entries : all(cache)(target, name)),
    })
  }

  /** A projection is taken to be another one whenever a cache that it follows has changed. */
  #projectionsOf(projections: Projections, state: SpaceState): Projections {
    return new Proxy(projections, {
      get: (_, name) => {
        const value: unknown = Reflect.get(projections, name, projections)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          for (const { name: cache } of followedBy(args[0])) {
            const number = state.layout.named(cache)?.number
            if (number !== undefined) this.add(number, { kind: 'all' })
          }
          return value.apply(projections, args)
        }
      },
    })
  }
}

interface Named {
  readonly name: string
}

function followedBy(projection: unknown): readonly Named[] {
  const { cache, caches } = Object(projection) as { cache?: Named; caches?: readonly Named[] }
  return caches ?? (cache ? [cache] : [])
}
