import type { IndexFields, Scalar, Value } from './data-types.ts'
import { compareScalars } from './index-order.ts'
import { limitOf } from './page.ts'
import { cursorOf, type PagedList } from './page-cursor.ts'
import type { Page, PageInput } from './page-types.ts'
import type { Cache } from './transaction.ts'

/** As the handler reads its page. */
export interface MergePagesOptions {
  readonly reverse?: boolean
  /** Entries of a page where the input's `limit` does not say it. Default 100. */
  readonly limit?: number
}

/** A merge for `everyPartition`, of handlers that return what `read.page` gives. */
export type MergePages<V> = (pages: readonly Page<V>[], input: PageInput) => Page<V>

/**
 * Makes one page of those that `read.page` has given in every partition: of the same cache and
 * index, in the same direction, with the same limit. Its `next` is the `cursor` of the page behind
 * it, in all of them. A k-way merge (Knuth, The Art of Computer Programming 3, 5.4.1).
 * @throws TypeError when the cache has no such index
 */
export function mergePages<V, Indexes extends IndexFields, Index extends keyof Indexes & string>(
  cache: Cache<V, Indexes>,
  index: Index,
  { reverse = false, limit: limitByDefault }: MergePagesOptions = {},
): MergePages<V> {
  const fields = cache.indexes[index]
  if (!fields) throw new TypeError(`mergePages: cache ${cache.name} has no index ${index}`)
  const list: PagedList = { cache: cache.name, index, fields, reverse }
  const sign = reverse ? -1 : 1
  const order = [...fields, cache.key]
  const compare = (a: Value, b: Value): number => {
    for (const field of order) {
      const difference = compareScalars(a[field], b[field])
      if (difference !== 0) return sign * difference
    }
    return 0
  }
  return (pages, { limit = limitByDefault }) => {
    const wanted = limitOf(limit === undefined ? {} : { limit })
    const heads = pages.map(() => 0)
    const items: V[] = []
    let last: { readonly value: Value; readonly partition: number } | undefined
    for (;;) {
      const partition = smallest(pages as readonly Page<Value>[], heads, compare)
      if (partition === undefined) return { items }
      const value = pages[partition]?.items[heads[partition] as number]
      // What comes next may be one that a partition has not given yet.
      if (value === undefined || items.length === wanted) break
      items.push(value)
      heads[partition] = (heads[partition] as number) + 1
      last = { value: value as Value, partition }
    }
    if (!last) return { items }
    const { value, partition } = last
    const values = fields.map((field) => value[field] as Scalar)
    const key = value[cache.key] as string
    if ([...values, key].includes(undefined as never))
      throw new TypeError('mergePages: what it merges must be entries, as read.page gives them')
    return { items, next: cursorOf(list, { values, key, partition }) }
  }
}

/**
 * The partition whose next item is the first of all; one that has given all of its page though it
 * has more comes before them. undefined: there is nothing more. Partitions are few: looking at all
 * of them is quicker than keeping a heap.
 */
function smallest(
  pages: readonly Page<Value>[],
  heads: readonly number[],
  compare: (a: Value, b: Value) => number,
): number | undefined {
  let best: number | undefined
  let least: Value | undefined
  for (const [partition, { items, next }] of pages.entries()) {
    const item = items[heads[partition] as number]
    if (item === undefined) {
      if (next !== undefined) return partition
      continue
    }
    if (least !== undefined && compare(item, least) >= 0) continue
    best = partition
    least = item
  }
  return best
}
