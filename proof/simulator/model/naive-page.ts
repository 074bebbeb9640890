import type { Scalar, Value } from '@spacegrid/grid/core/data-types'
import { cursorOf, placeOf } from '@spacegrid/grid/core/page-cursor'
import type { Page, PageOptions } from '@spacegrid/grid/core/page-types'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { naiveOrder, naiveRange } from './naive-range.ts'

/** A page of an index range, found by looking at all entries. */
export function naivePage(
  cache: AnyCache | AnyProjection,
  entries: Iterable<readonly [key: string, value: Value]>,
  index: string,
  { cursor, where, filter, limit = 100, examinedMax: _, ...range }: PageOptions,
): Page<Value> {
  if (where || filter) throw new Error('the model of a page takes neither where nor filter')
  const fields = cache.indexes[index] ?? []
  const { reverse = false } = range
  const list = { cache: cache.name, index, fields, reverse }
  const place = cursor === undefined ? undefined : placeOf(list, cursor)
  const isBehind = ([key, value]: readonly [string, Value]): boolean => {
    if (!place) return true
    const here = [...fields.map((field) => value[field]), key]
    const there: readonly unknown[] = [...place.values, place.key]
    const at = here.findIndex((it, i) => it !== there[i])
    return at >= 0 && (reverse ? -1 : 1) * naiveOrder(here[at], there[at]) > 0
  }
  const found = naiveRange(cache, entries, index, range).filter(isBehind)
  const items = found.slice(0, limit).map(([, value]) => value)
  const last = found[limit - 1]
  if (found.length <= limit || !last) return { items }
  const [key, value] = last
  const values = fields.map((field) => value[field] as Scalar)
  return { items, next: cursorOf(list, { values, key, partition: 0 }) }
}
