import type { AnyProjection, Change, Space, Value } from '@spacegrid/grid/core/definition'

/** What is remembered of an idempotency key. */
export interface ModelRemembered {
  readonly request: number
  readonly answer: unknown
  readonly position: number
  readonly version: number
  readonly expiresAt: number
}

/**
 * A space as plainly as it can be told: maps, changed by one transaction after the other. Nothing
 * of the grid's own code decides here: this is what that code is measured against.
 */
export class Model {
  readonly #space: Space
  readonly caches = new Map<string, Map<string, Value>>()
  /** What has left memory, by cache. */
  readonly #archived = new Map<string, Map<string, Value>>()
  readonly remembered = new Map<string, ModelRemembered>()
  readonly #projections = new Map<AnyProjection, unknown>()

  constructor(space: Space) {
    this.#space = space
    for (const projection of space.projections)
      this.#projections.set(projection, projection.initial())
  }

  entries(cache: string): Map<string, Value> {
    let entries = this.caches.get(cache)
    if (!entries) {
      entries = new Map()
      this.caches.set(cache, entries)
    }
    return entries
  }

  /** Wherever it is. */
  find(cache: string, key: string): Value | undefined {
    return this.entries(cache).get(key) ?? this.#archived.get(cache)?.get(key)
  }

  /** The entry leaves memory. */
  archive(cache: string, key: string): void {
    const value = this.entries(cache).get(key)
    this.write(cache, key, undefined)
    const archived = this.#archived.get(cache) ?? new Map<string, Value>()
    this.#archived.set(cache, archived)
    if (value) archived.set(key, value)
  }

  /** What has left memory of a cache. */
  archived(cache: string): ReadonlyMap<string, Value> {
    return this.#archived.get(cache) ?? new Map()
  }

  /** A copy: whatever a query does to it is gone with it. */
  projection(projection: AnyProjection): unknown {
    return structuredClone(this.#projections.get(projection))
  }

  write(cache: string, key: string, after: Value | undefined): void {
    const entries = this.entries(cache)
    const before = entries.get(key)
    this.#archived.get(cache)?.delete(key)
    if (after === undefined) entries.delete(key)
    else entries.set(key, frozen(after))
    if (before === undefined && after === undefined) return
    const change: Change = { key, before, after }
    for (const projection of this.#space.projections)
      if (projection.cache.name === cache)
        projection.apply(this.#projections.get(projection), change)
  }
}

/** As it is, whatever a handler does to it. */
function frozen<T>(data: T): T {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return data
  for (const member of Object.values(data)) frozen(member)
  return Object.freeze(data)
}
