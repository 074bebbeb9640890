import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import { recomputedRows } from '@spacegrid/grid/kit/recomputed-rows'

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
  readonly #projections: ReadonlyMap<string, AnyProjection>
  readonly caches = new Map<string, Map<string, Value>>()
  /** What has left memory, by cache. */
  readonly #archived = new Map<string, Map<string, Value>>()
  readonly remembered = new Map<string, ModelRemembered>()
  /** Rows of projections as the entries are now. */
  readonly #rows = new Map<string, Map<string, Value>>()

  constructor(space: Space) {
    this.#projections = new Map(space.projections.map((one) => [one.name, one]))
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
    return this.readable(cache).get(key) ?? this.#archived.get(cache)?.get(key)
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

  /** What is read under a name: entries of a cache, or rows of a projection, made anew. */
  readable(name: string): ReadonlyMap<string, Value> {
    const projection = this.#projections.get(name)
    if (!projection) return this.entries(name)
    let rows = this.#rows.get(name)
    if (!rows) {
      rows = recomputedRows(projection, (cache) => this.entries(cache))
      for (const row of rows.values()) frozen(row)
      this.#rows.set(name, rows)
    }
    return rows
  }

  write(cache: string, key: string, after: Value | undefined): void {
    const entries = this.entries(cache)
    this.#archived.get(cache)?.delete(key)
    if (after === undefined) entries.delete(key)
    else entries.set(key, frozen(after))
    this.#rows.clear()
  }
}

/** As it is, whatever a handler does to it. */
function frozen<T>(data: T): T {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return data
  for (const member of Object.values(data)) frozen(member)
  return Object.freeze(data)
}
