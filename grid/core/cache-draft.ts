import type { Value } from './data-types.ts'
import { Entry } from './entry.ts'
import type { CacheLayout } from './layout.ts'
import { cacheEntriesMax } from './limits.ts'
import type { OrderedIndex } from './ordered-index.ts'
import { Digest } from './version.ts'

/**
 * What is to be written to a cache all at once, made in as many pieces as one likes while the cache
 * stays as it is: entries of their own, indexes that share with the cache's what has not changed,
 * and by how much its digest changes.
 */
export class CacheDraft {
  /** By key; undefined: deleted. */
  readonly entries = new Map<string, Entry | undefined>()
  readonly indexes: OrderedIndex<Entry>[]
  readonly digest = new Digest()
  readonly #layout: CacheLayout
  readonly #committed: ReadonlyMap<string, Entry>
  #size: number

  constructor(
    layout: CacheLayout,
    committed: ReadonlyMap<string, Entry>,
    indexes: readonly OrderedIndex<Entry>[],
  ) {
    this.#layout = layout
    this.#committed = committed
    this.#size = committed.size
    this.indexes = indexes.map((index) => index.draft())
  }

  /**
   * False when the draft cannot say it: the key has been written before, or there may be no room.
   */
  write(key: string, value: Value | undefined, version: number, position: number): boolean {
    if (this.entries.has(key)) return false
    const before = this.#committed.get(key)
    const { number } = this.#layout
    if (before) {
      this.#size--
      this.digest.toggle(number, before.keyHash, before.version)
      for (const index of this.indexes) if (index.order.covers(before.value)) index.delete(before)
    }
    if (value === undefined) {
      this.entries.set(key, undefined)
      return true
    }
    const entry = new Entry(key, value, version, position)
    this.entries.set(key, entry)
    this.digest.toggle(number, entry.keyHash, version)
    for (const index of this.indexes) if (index.order.covers(value)) index.insert(entry)
    return ++this.#size <= cacheEntriesMax
  }

  before(key: string): Value | undefined {
    return this.#committed.get(key)?.value
  }
}
