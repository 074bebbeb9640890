import type { IndexRange, Value } from './definition.ts'
import { Entry } from './entry.ts'
import type { CacheLayout } from './layout.ts'
import { OrderedIndex } from './ordered-index.ts'
import type { Digest } from './version.ts'

/** The committed entries of one cache, with their indexes. */
export class CacheState {
  readonly entries = new Map<string, Entry>()
  #layout: CacheLayout
  #indexes: OrderedIndex<Entry>[]
  readonly #digest: Digest

  constructor(layout: CacheLayout, digest: Digest) {
    this.#layout = layout
    this.#indexes = layout.orders.map((order) => new OrderedIndex<Entry>(order))
    this.#digest = digest
  }

  /** Takes over a layout with more indexes. */
  extend(layout: CacheLayout): void {
    this.#layout = layout
    for (let i = this.#indexes.length; i < layout.orders.length; i++) {
      const index = new OrderedIndex<Entry>(layout.orders[i] as OrderedIndex['order'])
      for (const entry of this.entries.values())
        if (index.order.covers(entry.value)) index.insert(entry)
      this.#indexes.push(index)
    }
  }

  /** Creates or replaces an entry; returns the value before. */
  put(key: string, value: Value, version: number, position: number): Value | undefined {
    const number = this.#layout.number
    const entry = this.entries.get(key)
    if (!entry) {
      const created = new Entry(key, value, version, position)
      this.entries.set(key, created)
      for (const index of this.#indexes) if (index.order.covers(value)) index.insert(created)
      this.#digest.toggle(number, created.keyHash, version)
      return undefined
    }
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
    entry.version = version
    entry.position = position
    if (moved)
      for (const index of this.#indexes)
        if (!index.order.same(before, value) && index.order.covers(value)) index.insert(entry)
    return before
  }

  /** Returns the value before; undefined when there was no entry. */
  delete(key: string): Value | undefined {
    const entry = this.entries.get(key)
    if (!entry) return undefined
    for (const index of this.#indexes) if (index.order.covers(entry.value)) index.delete(entry)
    this.entries.delete(key)
    this.#digest.toggle(this.#layout.number, entry.keyHash, entry.version)
    return entry.value
  }

  scan(index: number, range: IndexRange, visit: (entry: Entry) => boolean): boolean {
    const tree = this.#indexes[index]
    if (!tree) throw new Error(`cache ${this.#layout.name} has no index ${index}`)
    return tree.scan(range, visit)
  }
}
