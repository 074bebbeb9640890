import type { IndexRange, Value } from './definition.ts'
import { Entry, type EntryView } from './entry.ts'
import type { Layout } from './layout.ts'
import { OrderedIndex } from './ordered-index.ts'
import { collect, type View } from './view.ts'

/** One cache's part of an overlay. */
class OverlayCache {
  /** The entry that hides the one below; undefined where it is deleted. */
  readonly entries = new Map<string, Entry | undefined>()
  /** Made when a range is first read. */
  readonly #indexes: (OrderedIndex<Entry> | undefined)[] = []
  readonly #layout: Layout
  readonly #number: number

  constructor(layout: Layout, number: number) {
    this.#layout = layout
    this.#number = number
  }

  set(key: string, entry: Entry | undefined): void {
    const before = this.entries.get(key)
    this.entries.set(key, entry)
    for (const index of this.#indexes) {
      if (before && index?.order.covers(before.value)) index.delete(before)
      if (entry && index?.order.covers(entry.value)) index.insert(entry)
    }
  }

  remove(key: string): void {
    this.set(key, undefined)
    this.entries.delete(key)
  }

  index(number: number): OrderedIndex<Entry> {
    const existing = this.#indexes[number]
    if (existing) return existing
    const order = this.#layout.cache(this.#number).orders[number]
    if (!order) throw new Error(`cache ${this.#number} has no index ${number}`)
    const index = new OrderedIndex<Entry>(order)
    for (const entry of this.entries.values())
      if (entry && order.covers(entry.value)) index.insert(entry)
    this.#indexes[number] = index
    return index
  }
}

/** Changes on top of another view, which stays as it is. */
export class Overlay implements View {
  readonly #below: View
  readonly #caches = new Map<number, OverlayCache>()

  constructor(below: View) {
    this.#below = below
  }

  get layout(): Layout {
    return this.#below.layout
  }

  get isEmpty(): boolean {
    return this.#caches.size === 0
  }

  touches(cache: number): boolean {
    return this.#caches.has(cache)
  }

  /** Number of entries changed in a cache. */
  changedIn(cache: number): number {
    return this.#caches.get(cache)?.entries.size ?? 0
  }

  write(cache: number, key: string, value: Value | undefined, version: number): void {
    let own = this.#caches.get(cache)
    if (!own) {
      own = new OverlayCache(this.layout, cache)
      this.#caches.set(cache, own)
    }
    own.set(key, value === undefined ? undefined : new Entry(key, value, version, 0))
  }

  /** Uncovers the entry below, if what hides it is still the given version (0: a deletion). */
  settle(cache: number, key: string, version: number): void {
    const own = this.#caches.get(cache)
    if (!own?.entries.has(key) || (own.entries.get(key)?.version ?? 0) !== version) return
    own.remove(key)
    if (own.entries.size === 0) this.#caches.delete(cache)
  }

  clear(): void {
    this.#caches.clear()
  }

  find(cache: number, key: string): EntryView | undefined {
    const own = this.#caches.get(cache)
    if (own?.entries.has(key)) return own.entries.get(key)
    return this.#below.find(cache, key)
  }

  scan(
    cache: number,
    index: number,
    range: IndexRange,
    visit: (entry: EntryView) => boolean,
  ): boolean {
    const own = this.#caches.get(cache)
    if (!own) return this.#below.scan(cache, index, range, visit)
    const tree = own.index(index)
    const mine = collect(
      { layout: this.layout, find: () => undefined, scan: (_, __, r, v) => tree.scan(r, v) },
      cache,
      index,
      range,
    )
    const sign = range.reverse ? -1 : 1
    let next = 0
    const finished = this.#below.scan(cache, index, range, (entry) => {
      if (own.entries.has(entry.key)) return true
      for (; next < mine.length; next++) {
        const candidate = mine[next] as EntryView
        if (tree.order.compare(candidate, entry) * sign > 0) break
        if (!visit(candidate)) return false
      }
      return visit(entry)
    })
    if (!finished) return false
    for (; next < mine.length; next++) if (!visit(mine[next] as EntryView)) return false
    return true
  }
}
