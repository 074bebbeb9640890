import { CacheState, restoredEntriesMax } from './cache-state.ts'
import type { IndexRange, Value } from './data-types.ts'
import type { Entry } from './entry.ts'
import { Holds } from './holds.ts'
import { Layout } from './layout.ts'
import type { IndexPlace } from './ordered-index.ts'
import { initialShape, type SpaceShape } from './shape.ts'
import { Digest } from './version.ts'
import type { View } from './view.ts'

/** What every replica knows of an origin: a processing unit's one connected life. */
export interface OriginState {
  /** Name of the processing unit, for people. */
  readonly unit: string
  /** Chosen by the unit, so that it recognizes its own joining. */
  readonly nonce: number
  /** Id of its last accepted frame, 0 for none. architecture.md, invariant 3. */
  lastFrame: number
  /** Log time of its last accepted frame, ms since the epoch. */
  lastTime: number
}

/** The replicated state beside the entries: what a checkpoint and a snapshot carry along. */
export interface ReplicatedHeader {
  readonly position: number
  readonly time: number
  readonly shape: SpaceShape
  readonly origins: readonly (readonly [number, OriginState])[]
}

/**
 * The committed state of a space at one log position. Changed by melding only (and by rehydration
 * before that); two replicas at the same position of the same log are equal in everything here.
 */
export class SpaceState implements View {
  /** Log position of the last melded frame. */
  position = 0
  /**
   * The log's time at `position`, ms since the epoch: the newest that records stood for so far, so
   * it never runs backwards.
   */
  time = 0
  /** By the log position at which the origin joined. */
  readonly origins = new Map<number, OriginState>()
  readonly digest = new Digest()
  layout: Layout
  /** What the entries of `_holds` keep from others: derived from them, wherever they come from. */
  readonly holds = new Holds()
  #holdsCache: number
  readonly #caches: CacheState[] = []

  /** Entries come in any number before the indexes are made. */
  #restoring: boolean

  constructor(shape: SpaceShape = initialShape, restoring = false) {
    this.layout = new Layout(shape)
    this.#holdsCache = this.layout.holds
    this.#restoring = restoring
    for (const cache of this.layout.caches)
      this.#caches.push(new CacheState(cache, this.digest, restoring))
  }

  /** An empty state to be filled by `restore`. It has no indexes before `completeIndexes`. */
  static toRestore(): SpaceState {
    return new SpaceState(initialShape, true)
  }

  /**
   * Makes the indexes of a restored state: one a step, so that whoever runs it can do something
   * else in between.
   */
  *completeIndexes(): Generator<void> {
    for (const cache of this.#caches) yield* cache.completeIndexes()
    this.#restoring = false
  }

  /** Takes over position, time, origins and shape. The shape must contain the present one. */
  adopt(header: ReplicatedHeader): void {
    this.reshape(header.shape)
    this.position = header.position
    this.time = header.time
    this.origins.clear()
    for (const [origin, state] of header.origins) this.origins.set(origin, { ...state })
  }

  header(): ReplicatedHeader {
    return {
      position: this.position,
      time: this.time,
      shape: this.layout.shape,
      origins: [...this.origins].map(([origin, state]) => [origin, { ...state }]),
    }
  }

  reshape(shape: SpaceShape): void {
    if (shape === this.layout.shape) return
    this.layout = new Layout(shape)
    this.#holdsCache = this.layout.holds
    for (const layout of this.layout.caches) {
      const cache = this.#caches[layout.number]
      if (cache) cache.extend(layout)
      else this.#caches.push(new CacheState(layout, this.digest, this.#restoring))
    }
    if (!this.#restoring) for (const _ of this.completeIndexes());
  }

  cache(number: number): CacheState {
    const cache = this.#caches[number]
    if (!cache) throw new Error(`no cache has number ${number}`)
    return cache
  }

  get entryCount(): number {
    let count = 0
    for (const cache of this.#caches) count += cache.entries.size
    return count
  }

  find(cache: number, key: string): Entry | undefined {
    return this.cache(cache).find(key)
  }

  /** The same for who will not write it. */
  peek(cache: number, key: string): Entry | undefined {
    return this.cache(cache).peek(key)
  }

  scan(
    cache: number,
    index: number,
    range: IndexRange,
    visit: (entry: Entry) => boolean,
    place?: IndexPlace,
  ): boolean {
    return this.cache(cache).scan(index, range, visit, place)
  }

  /** Writes one outcome; returns the value before. `undefined` deletes. */
  write(
    cache: number,
    key: string,
    value: Value | undefined,
    version: number,
    position: number,
  ): Value | undefined {
    const state = this.cache(cache)
    if (cache === this.#holdsCache) this.holds.set(key, value)
    return value === undefined ? state.delete(key) : state.put(key, value, version, position)
  }

  /** The same for what finds room even in a cache that is full. */
  writeHeld(
    cache: number,
    key: string,
    value: Value | undefined,
    version: number,
    position: number,
  ): Value | undefined {
    if (value === undefined || cache === this.#holdsCache)
      return this.write(cache, key, value, version, position)
    return this.cache(cache).put(key, value, version, position, restoredEntriesMax)
  }

  /**
   * Rehydration: writes an outcome unless the entry here is newer. architecture.md, invariant 8.
   * Outcomes of one position come in their order, so the later one wins.
   */
  restore(
    cache: number,
    key: string,
    value: Value | undefined,
    version: number,
    position: number,
  ): void {
    this.cache(cache).restore(key, value, version, position)
    if (cache === this.#holdsCache) this.holds.set(key, this.find(cache, key)?.value)
  }
}
