import { CacheDraft } from './cache-draft.ts'
import type { IndexRange, Value } from './data-types.ts'
import { Entry } from './entry.ts'
import type { IndexOrder } from './index-order.ts'
import type { CacheLayout } from './layout.ts'
import { cacheEntriesMax, heldWritesMax } from './limits.ts'
import { type IndexPlace, OrderedIndex } from './ordered-index.ts'
import type { Digest } from './version.ts'

/** What has been held finds room even when a cache is full: a copy has to take as much. */
export const restoredEntriesMax = cacheEntriesMax + heldWritesMax

/** There is no room for another entry. */
export class CacheFull extends Error {
  readonly cache: string

  constructor(cache: string, cause?: unknown) {
    super(`cache ${cache} has as many entries as it can hold`, { cause })
    this.cache = cache
  }
}

/** The committed entries of one cache, with their indexes. */
export class CacheState {
  readonly entries = new Map<string, Entry>()
  #layout: CacheLayout
  #indexes: OrderedIndex<Entry>[]
  readonly #digest: Digest
  /**
   * The entry that was found last: what a transaction has read it usually writes next, under the
   * very same string.
   */
  #found: Entry | undefined

  /** `deferIndexes`: they are made by `completeIndexes`, after all entries. */
  constructor(layout: CacheLayout, digest: Digest, deferIndexes = false) {
    this.#layout = layout
    this.#indexes = deferIndexes ? [] : layout.orders.map((order) => new OrderedIndex<Entry>(order))
    this.#digest = digest
  }

  find(key: string): Entry | undefined {
    const found = this.#found
    if (found !== undefined && found.key === key) return found
    const entry = this.entries.get(key)
    if (entry !== undefined) this.#found = entry
    return entry
  }

  /** The same for who will not write it: what was found for somebody else stays. */
  peek(key: string): Entry | undefined {
    return this.entries.get(key)
  }

  /** Takes over a layout with more indexes. They are not made before `completeIndexes`. */
  extend(layout: CacheLayout): void {
    this.#layout = layout
  }

  /** Makes the indexes that are missing, one a step. */
  *completeIndexes(): Generator<void> {
    for (let i = this.#indexes.length; i < this.#layout.orders.length; i++) {
      this.#indexes.push(
        OrderedIndex.of(this.#layout.orders[i] as IndexOrder, this.entries.values()),
      )
      yield
    }
  }

  /**
   * Creates or replaces an entry; returns the value before. `entriesMax`: of this cache.
   * @throws CacheFull when there is no room for another entry; nothing has changed then
   */
  put(
    key: string,
    value: Value,
    version: number,
    position: number,
    entriesMax = cacheEntriesMax,
  ): Value | undefined {
    const entry = this.find(key)
    if (entry) return this.#replace(entry, value, version, position)
    this.#create(key, value, version, position, entriesMax)
    return undefined
  }

  /** Returns the value before; undefined when there was no entry. */
  delete(key: string): Value | undefined {
    const entry = this.entries.get(key)
    if (entry) this.#remove(entry)
    return entry?.value
  }

  /** Puts or deletes, unless the entry here is newer. */
  restore(key: string, value: Value | undefined, version: number, position: number): void {
    const entry = this.entries.get(key)
    if (!entry) {
      if (value !== undefined) this.#create(key, value, version, position, restoredEntriesMax)
    } else if (entry.position <= position) {
      if (value === undefined) this.#remove(entry)
      else this.#replace(entry, value, version, position)
    }
  }

  /** Outcomes that are to be written to this cache all at once. */
  draft(): CacheDraft {
    return new CacheDraft(this.#layout, this.entries, this.#indexes)
  }

  /** Writes what was drafted: nothing has been written here since the draft was begun. */
  adopt({ entries, indexes, digest }: CacheDraft): void {
    for (const [key, entry] of entries)
      if (entry) this.entries.set(key, entry)
      else this.entries.delete(key)
    // What was found may have been replaced by an entry of the draft.
    this.#found = undefined
    for (const index of indexes) index.settle()
    this.#indexes = indexes
    this.#digest.join(digest)
  }

  #create(key: string, value: Value, version: number, position: number, entriesMax: number): void {
    const entry = new Entry(key, value, version, position)
    this.#add(key, entry, entriesMax)
    for (const index of this.#indexes) if (index.order.covers(value)) index.insert(entry)
    this.#digest.toggle(this.#layout.number, entry.keyHash, version)
  }

  #add(key: string, entry: Entry, entriesMax: number): void {
    if (this.entries.size >= entriesMax) throw new CacheFull(this.#layout.name)
    try {
      this.entries.set(key, entry)
    } catch (cause) {
      // The engine's own limit, should it ever be lower than ours.
      throw new CacheFull(this.#layout.name, cause)
    }
  }

  #replace(entry: Entry, value: Value, version: number, position: number): Value {
    const number = this.#layout.number
    const before = entry.value
    const { keyHash } = entry
    this.#digest.toggle(number, keyHash, entry.version)
    this.#digest.toggle(number, keyHash, version)
    let moved = false
    for (const index of this.#indexes) {
      if (index.order.same(before, value)) continue
      moved = true
      if (index.order.covers(before)) index.delete(entry)
    }
    entry.value = value
    entry.fits = undefined
    entry.version = version
    entry.position = position
    if (moved)
      for (const index of this.#indexes)
        if (!index.order.same(before, value) && index.order.covers(value)) index.insert(entry)
    return before
  }

  #remove(entry: Entry): void {
    for (const index of this.#indexes) if (index.order.covers(entry.value)) index.delete(entry)
    this.entries.delete(entry.key)
    this.#found = undefined
    this.#digest.toggle(this.#layout.number, entry.keyHash, entry.version)
  }

  scan(
    index: number,
    range: IndexRange,
    visit: (entry: Entry) => boolean,
    place?: IndexPlace,
  ): boolean {
    const tree = this.#indexes[index]
    if (!tree) throw new Error(`cache ${this.#layout.name} has no index ${index}`)
    return tree.scan(range, visit, place)
  }
}
