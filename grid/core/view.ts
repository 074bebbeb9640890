import type { IndexRange } from './data-types.ts'
import type { EntryView } from './entry.ts'
import type { Layout } from './layout.ts'

/**
 * What transactions are executed and evaluated over: a replica's committed state, or pending
 * changes on top of it.
 */
export interface View {
  readonly layout: Layout
  /** Caches and indexes by their number in the layout. */
  find(cache: number, key: string): EntryView | undefined
  /**
   * Visits a range in its order, whatever its limit, until `visit` returns false; returns false
   * when stopped.
   */
  scan(
    cache: number,
    index: number,
    range: IndexRange,
    visit: (entry: EntryView) => boolean,
  ): boolean
}

/** The entries of a range, at most its limit. */
export function collect(
  view: Pick<View, 'scan'>,
  cache: number,
  index: number,
  range: IndexRange,
): EntryView[] {
  const entries: EntryView[] = []
  const limit = range.limit ?? Number.POSITIVE_INFINITY
  if (limit > 0)
    view.scan(cache, index, range, (entry) => {
      entries.push(entry)
      return entries.length < limit
    })
  return entries
}
