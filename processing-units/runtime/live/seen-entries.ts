import { sees } from '@spacegrid/grid/core/access'
import { withoutForeign } from '@spacegrid/grid/core/compatibility'
import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import { readValue } from '@spacegrid/grid/core/evolution'
import { type Interest, isInRange } from '@spacegrid/grid/core/interests'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import { readablePart } from '@spacegrid/grid/core/readable-part'
import { sameData } from '@spacegrid/grid/core/same-data'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import type { EntryChange, EntryFilter } from '@spacegrid/grid/doors/request/live'

/** What has become of an entry, as it is stored. */
export interface ChangedEntry {
  readonly key: string
  readonly before: Value | undefined
  readonly after: Value | undefined
  readonly version: number
}

/**
 * How whoever follows some entries of a cache sees a change: entries that enter what they follow,
 * change in it, or leave it; undefined: they do not see it.
 */
export function viewOf(filter: EntryFilter, space: Space, layout: CacheLayout) {
  const cache = space.caches.find(({ name }) => name === filter.cache) as AnyCache
  const isWanted = wantedBy(filter, layout)
  const shown = (value: Value | undefined) => value && shownOf(filter, cache, layout, value)
  return ({ key, before, after, version }: ChangedEntry) => {
    const was = before !== undefined && isWanted(key, before) ? shown(before) : undefined
    const is = after !== undefined && isWanted(key, after) ? shown(after) : undefined
    if (was === undefined && is === undefined) return undefined
    if (was !== undefined && is !== undefined && sameData(was, is)) return undefined
    const change: EntryChange =
      was === undefined ? 'entered' : is === undefined ? 'left' : 'changed'
    return { kind: 'entry' as const, change, key, value: is, version }
  }
}

/** What it is to be woken for. */
export function interestOf({ key, index, range = {} }: EntryFilter, layout: CacheLayout): Interest {
  if (key !== undefined) return { kind: 'key', key }
  const number = index === undefined ? undefined : layout.indexNumber(index)
  return number === undefined ? { kind: 'all' } : { kind: 'range', index: number, range }
}

function wantedBy(
  { key, index, range = {} }: EntryFilter,
  layout: CacheLayout,
): (key: string, value: Value) => boolean {
  if (key !== undefined) return (of) => of === key
  const number = index === undefined ? undefined : layout.indexNumber(index)
  const order = number === undefined ? undefined : layout.orders[number]
  return order ? (_, value) => isInRange(order, range, value) : () => true
}

/**
 * What callers may see of a value, as this version of the application reads it; undefined: it is
 * not for them.
 */
function shownOf(
  { fields, by }: EntryFilter,
  cache: AnyCache,
  layout: CacheLayout,
  stored: Value,
): Value | undefined {
  const read = readValue(cache, stored)
  if (!sees(cache, read, by)) return undefined
  return readablePart(withoutForeign(read, cache, layout) ?? read, fields)
}
