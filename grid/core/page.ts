import type { IndexRange, Scalar, Value } from './data-types.ts'
import type { EntryView } from './entry.ts'
import { GridError } from './errors.ts'
import { type Bound, compareScalars, isScalar } from './index-order.ts'
import { pageEntriesDefault, pageEntriesMax } from './limits.ts'
import { Misuse } from './misuse.ts'
import type { IndexPlace } from './ordered-index.ts'
import { cursorOf, foreign, type PagedList, placeOf, UnusablePage } from './page-cursor.ts'
import type { Page, PageOptions } from './page-types.ts'

/** What a page is read from. */
export interface PageSource<V> {
  readonly cache: string
  readonly index: string
  /** Of the index, as entries are stored. */
  readonly fields: readonly string[]
  /** The same as the application names them. */
  readonly named: readonly string[]
  /** Of a divided space; otherwise 0. */
  readonly partition: number
  scan(range: IndexRange, visit: (entry: EntryView) => boolean, place?: IndexPlace): boolean
  /** As the application reads it. */
  valueOf(entry: EntryView): V
  readonly budget: ExamineBudget
}

/** How many entries one query may look at to find those that it wants. */
export class ExamineBudget {
  readonly #max: number
  examined = 0

  constructor(max: number) {
    this.#max = max
  }

  /** @param max of this page, where that is less */
  left(max = this.#max): number {
    return Math.min(max, this.#max - this.examined)
  }
}

export interface PageRead<V> {
  readonly page: Page<V>
  readonly entries: readonly EntryView[]
  /** Entries that were looked at. */
  readonly examined: number
  /** The part of the index that was gone through. */
  readonly range: IndexRange
}

type Conditions = readonly ((value: Value) => boolean)[]

/**
 * Reads a page: the entries of a range in its order, from where the page before has ended (keyset
 * pagination; Winand, "SQL Performance Explained", 2012, chapter 7). It costs what it gives,
 * however far behind the beginning it is; entries that come and go elsewhere move nothing, those
 * that stay are told once each.
 * @throws UnusablePage; GridError `query_too_large`; Misuse
 */
export function readPage<V>(source: PageSource<V>, options: PageOptions<V>): PageRead<V> {
  const { cache, index, named, partition } = source
  const { cursor, filter, examinedMax } = options
  const limit = limitOf(options)
  const { range, conditions } = rangeOf(source, options)
  const list: PagedList = { cache, index, fields: named, reverse: range.reverse === true }
  const place = cursor === undefined ? undefined : startOf(source, list, range, cursor)
  const selects = filter !== undefined || conditions.length > 0
  const left = selects ? source.budget.left(examinedMax) : Number.POSITIVE_INFINITY
  const entries: EntryView[] = []
  const items: V[] = []
  let examined = 0
  let more = false
  source.scan(
    range,
    (entry) => {
      if (examined === left) {
        // A full page needs not look for what comes next to the end.
        if (items.length < limit) throw tooLarge(source, examined)
        more = true
        return false
      }
      examined++
      const value = source.valueOf(entry)
      if (!conditions.every((holds) => holds(value as Value))) return true
      if (filter && !chosen(filter(value), cache)) return true
      more = items.length === limit
      if (more) return false
      entries.push(entry)
      items.push(value)
      return true
    },
    place,
  )
  if (selects) source.budget.examined += examined
  const last = entries.at(-1)
  const keys = options.withKeys ? { keys: entries.map(({ key }) => key) } : {}
  if (!more || !last) return { page: { items, ...keys }, entries, examined, range }
  const values = source.fields.map((field) => last.value[field] as Scalar)
  const next = cursorOf(list, { values, key: last.key, partition })
  return { page: { items, next, ...keys }, entries, examined, range }
}

/** @throws UnusablePage */
export function limitOf({ limit = pageEntriesDefault }: { readonly limit?: unknown }): number {
  if (Number.isSafeInteger(limit) && Number(limit) >= 1 && Number(limit) <= pageEntriesMax)
    return limit as number
  throw new UnusablePage('limit', `must be a whole number from 1 to ${pageEntriesMax}`)
}

function startOf(
  { fields, partition }: PageSource<unknown>,
  list: PagedList,
  { equals = [] }: IndexRange,
  cursor: string,
): IndexPlace {
  const { values, key, partition: its } = placeOf(list, cursor)
  if (equals.some((value, at) => value !== values[at])) throw foreign()
  const value = Object.fromEntries(fields.map((field, at) => [field, values[at]]))
  const bound: Bound = { key, value }
  // Entries alike in all else were told up to that partition.
  return { bound, isIncluded: partition > its }
}

/**
 * What `where` says of the fields behind those that `equals` fixes narrows the range, as far as an
 * index can; the rest is looked for in it.
 */
function rangeOf<V>(
  { cache, named }: PageSource<V>,
  { equals = [], from, after, to, before, reverse, where = {} }: PageOptions<V>,
): { readonly range: IndexRange; readonly conditions: Conditions } {
  const fixed = [...equals]
  const open = new Map<string, unknown>(Object.entries(where as object))
  for (const [field, wanted] of open) if (wanted === undefined) open.delete(field)
  let bounds: Bounds = { from, after, to, before }
  if (Object.values(bounds).every((bound) => bound === undefined)) {
    for (let field = named[fixed.length]; isScalar(open.get(field ?? '')); ) {
      fixed.push(open.get(field as string) as Scalar)
      open.delete(field as string)
      field = named[fixed.length]
    }
    const next = named[fixed.length]
    if (next !== undefined && open.has(next)) {
      bounds = boundsOf(cache, next, open.get(next))
      open.delete(next)
    }
  }
  const conditions = [...open].map(([field, wanted]) => condition(cache, field, wanted))
  return { range: { equals: fixed, ...bounds, reverse: reverse === true }, conditions }
}

interface Bounds {
  readonly from?: Scalar | undefined
  readonly after?: Scalar | undefined
  readonly to?: Scalar | undefined
  readonly before?: Scalar | undefined
}

const boundNames = ['from', 'after', 'to', 'before']

function boundsOf(cache: string, field: string, wanted: unknown): Bounds {
  const isBounds =
    typeof wanted === 'object' &&
    wanted !== null &&
    Object.entries(wanted).every(
      ([name, bound]) => boundNames.includes(name) && (bound === undefined || isScalar(bound)),
    )
  if (isBounds) return wanted
  throw new Misuse(
    cache,
    field,
    'of where must be a value, or bounds: from, after, to, before with a text, number or boolean',
  )
}

function condition(cache: string, field: string, wanted: unknown): (value: Value) => boolean {
  if (isScalar(wanted)) return (value) => value[field] === wanted
  const { from, after, to, before } = boundsOf(cache, field, wanted)
  return (entry) => {
    const value = entry[field]
    if (!isScalar(value)) return false
    return (
      (from === undefined || compareScalars(value, from) >= 0) &&
      (after === undefined || compareScalars(value, after) > 0) &&
      (to === undefined || compareScalars(value, to) <= 0) &&
      (before === undefined || compareScalars(value, before) < 0)
    )
  }
}

function chosen(answer: unknown, cache: string): boolean {
  if (typeof answer === 'boolean') return answer
  throw new Misuse(cache, undefined, 'the filter of a page must return true or false, at once')
}

const tooLarge = ({ cache, index }: PageSource<unknown>, examined: number): GridError =>
  new GridError(
    'query_too_large',
    `The query has looked at ${examined} entries of ${cache} by ${index} and has not found enough: ask for what an index finds`,
    { details: { cache, index, examined } },
  )
