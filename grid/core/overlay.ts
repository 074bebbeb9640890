import type { IndexRange, Value } from './data-types.ts'
import { Entry, type EntryView } from './entry.ts'
import type { Layout } from './layout.ts'
import { OrderedIndex } from './ordered-index.ts'
import type { View } from './view.ts'

/** One cache's part of an overlay. */
class OverlayCache {
  /** The entry that hides the one below; undefined where it is deleted. */
  readonly entries = new Map<string, Entry | undefined>()
  /** Whether some of them may be deletions. */
  hides = false
  /** Made when a range is first read. */
  readonly #indexes: (OrderedIndex<Entry> | undefined)[] = []
  readonly #view: View
  readonly #number: number

  constructor(view: View, number: number) {
    this.#view = view
    this.#number = number
  }

  set(key: string, entry: Entry | undefined): void {
    const before = this.entries.get(key)
    this.entries.set(key, entry)
    if (entry === undefined) this.hides = true
    for (const index of this.#indexes) {
      if (before && index?.order.covers(before.value)) index.delete(before)
      if (entry && index?.order.covers(entry.value)) index.insert(entry)
    }
  }

  remove(key: string): void {
    const entry = this.entries.get(key)
    this.entries.delete(key)
    if (!entry) return
    for (const index of this.#indexes) if (index?.order.covers(entry.value)) index.delete(entry)
  }

  index(number: number): OrderedIndex<Entry> {
    const existing = this.#indexes[number]
    if (existing) return existing
    const order = this.#view.layout.cache(this.#number).orders[number]
    if (!order) throw new Error(`cache ${this.#number} has no index ${number}`)
    const entries = [...this.entries.values()].filter((entry) => entry !== undefined)
    const index = OrderedIndex.of(order, entries)
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

  /** Whether an entry of the view below is hidden. */
  covers(cache: number, key: string): boolean {
    return this.#caches.get(cache)?.entries.has(key) ?? false
  }

  /** Number of entries changed in a cache. */
  changedIn(cache: number): number {
    return this.#caches.get(cache)?.entries.size ?? 0
  }

  write(cache: number, key: string, value: Value | undefined, version: number): void {
    let own = this.#caches.get(cache)
    if (!own) {
      own = new OverlayCache(this, cache)
      this.#caches.set(cache, own)
    }
    own.set(key, value === undefined ? undefined : new Entry(key, value, version, 0))
  }

  /** Uncovers the entry below, if what hides it is still the given version (0: a deletion). */
  settle(cache: number, key: string, version: number): void {
    const own = this.#caches.get(cache)
    if (!own) return
    const entry = own.entries.get(key)
    if ((entry?.version ?? 0) !== version || (!entry && !own.entries.has(key))) return
    own.remove(key)
    if (own.entries.size === 0) this.#caches.delete(cache)
  }

  clear(): void {
    this.#caches.clear()
  }

  find(cache: number, key: string): EntryView | undefined {
    const own = this.#caches.get(cache)
    if (own === undefined) return this.#below.find(cache, key)
    const entry = own.entries.get(key)
    if (entry !== undefined || (own.hides && own.entries.has(key))) return entry
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
    const sign = range.reverse ? -1 : 1
    // Own entries are fetched a limit at a time: usually that is enough; a view above that hides
    // some of them needs more.
    let wanted = Math.max(1, range.limit ?? Number.POSITIVE_INFINITY)
    let mine = firstOf(tree, range, wanted)
    let next = 0
    const candidate = (): Entry | undefined => {
      if (next === mine.length && mine.length === wanted) {
        wanted *= 4
        mine = firstOf(tree, range, wanted)
      }
      return mine[next]
    }
    const finished = this.#below.scan(cache, index, range, (entry) => {
      if (own.entries.has(entry.key)) return true
      for (let first = candidate(); first; first = candidate()) {
        if (tree.order.compare(first, entry) * sign > 0) break
        next++
        if (!visit(first)) return false
      }
      return visit(entry)
    })
    if (!finished) return false
    for (let first = candidate(); first; first = candidate()) {
      next++
      if (!visit(first)) return false
    }
    return true
  }
}

function firstOf(tree: OrderedIndex<Entry>, range: IndexRange, count: number): Entry[] {
  const entries: Entry[] = []
  tree.scan(range, (entry) => entries.push(entry) < count)
  return entries
}
