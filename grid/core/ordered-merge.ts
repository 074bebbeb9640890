import type { Scalar } from './data-types.ts'
import { GridError } from './errors.ts'
import { compareScalars } from './index-order.ts'

/** How the ordered lists of all partitions become one, a page at a time. */
export interface OrderedMergeOptions<Field extends string, List extends string> {
  /**
   * Fields by which every list is ordered already: those of an index behind what `equals` fixes.
   */
  readonly by: readonly [Field, ...Field[]]
  /** They are in descending order, as of a range in reverse. */
  readonly reverse?: boolean
  /** Items of a page. The input's field `limit`, where it has one, may ask for fewer. */
  readonly limit: number
  /** Name of the list in the answer. */
  readonly list: List
}

/** What the input of such a query may say. */
export interface PageInput {
  /** At most so many items. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
}

/** What one partition has to read for a page: its list from `from` on, which may be there again. */
export interface PageRange {
  /** Value of the first field at which the page begins; undefined: from the beginning. */
  readonly from: Scalar | undefined
  /** So many items, or all that there are. */
  readonly limit: number
}

/** A page of the whole list. */
export type Page<Item, List extends string> = {
  readonly [Name in List]: readonly Item[]
} & {
  /** Where the next page begins, as its `cursor`; missing on the last one. */
  readonly next?: string
}

/** A merge for `everyPartition`, and what the query's handler reads with. */
export interface OrderedMerge<Field extends string, List extends string> {
  <Item extends Readonly<Record<Field, Scalar>>>(
    results: readonly (readonly Item[])[],
    input: PageInput,
  ): Page<Item, List>
  /**
   * What the handler has to read: an inclusive bound and a limit.
   * @throws UnusableCursor
   */
  readonly page: (input: PageInput) => PageRange
}

/** The cursor is none that a page has given: told to the caller as `invalid_input`. */
export class UnusableCursor extends GridError {
  constructor() {
    const message = 'is none that a page has given as `next`'
    super('invalid_input', `cursor ${message}`, {
      details: { errors: [{ path: 'cursor', message }] },
    })
    this.name = 'UnusableCursor'
  }
}

/**
 * Merges lists that are ordered alike into one, a page at a time. A page goes on exactly where the
 * one before has ended, also among items that are equal in the order: the cursor says at which
 * value of the first field that was, and how many items with this value each partition has given.
 * What is added or removed there between two pages may be missed or told twice; nothing else is.
 * A k-way merge (Knuth, The Art of Computer Programming 3, 5.4.1); of items that are equal those of
 * the lower partition come first.
 */
export function mergeOrdered<const Field extends string, const List extends string>(
  options: OrderedMergeOptions<Field, List>,
): OrderedMerge<Field, List> {
  const { by, reverse = false, limit: limitMax, list } = options
  if (!Array.isArray(by) || by.length === 0)
    throw new TypeError('mergeOrdered: by must name the fields of the order')
  if (!Number.isSafeInteger(limitMax) || limitMax < 1)
    throw new TypeError(`mergeOrdered: limit must be a whole number from 1, not ${limitMax}`)
  if (typeof list !== 'string' || list === '' || list === 'next')
    throw new TypeError('mergeOrdered: list must be the name of a field, other than next')
  const [first] = by
  const sign = reverse ? -1 : 1
  const compare = (a: Item, b: Item): number => {
    for (const field of by) {
      const order = compareScalars(a[field], b[field])
      if (order !== 0) return sign * order
    }
    return 0
  }
  const limitOf = ({ limit = limitMax }: PageInput) => Math.min(limit, limitMax)
  const merge = (results: readonly (readonly Item[])[], input: PageInput) => {
    const begun = cursorOf(input)
    const isGiven = (item: Item) => begun && sign * compareScalars(item[first], begun.at) < 0
    const heads = results.map((items, partition) => {
      let next = 0
      while (next < items.length && isGiven(items[next] as Item)) next++
      return { items, next: next + (begun?.given[partition] ?? 0) }
    })
    const page: Item[] = []
    const given = new Given(begun)
    const limit = limitOf(input)
    for (;;) {
      const from = smallest(heads, compare)
      const head = heads[from]
      const item = head?.items[head.next]
      if (!head || item === undefined) return { [list]: page }
      if (page.length === limit) return { [list]: page, next: given.cursor() }
      page.push(item)
      given.count(item[first] as Scalar, from)
      head.next++
    }
  }
  const page = (input: PageInput): PageRange => {
    const begun = cursorOf(input)
    // One more than the page has: whether there is another one.
    const limit = limitOf(input) + 1
    return begun
      ? { from: begun.at, limit: limit + Math.max(0, ...Object.values(begun.given)) }
      : { from: undefined, limit }
  }
  return Object.assign(merge, { page }) as unknown as OrderedMerge<Field, List>
}

type Item = Readonly<Record<string, unknown>>

interface Head {
  readonly items: readonly Item[]
  readonly next: number
}

/** Partitions are few: looking at all of them is quicker than keeping a heap. -1: all are empty. */
function smallest(heads: readonly Head[], compare: (a: Item, b: Item) => number): number {
  let best = -1
  let least: Item | undefined
  for (const [at, { items, next }] of heads.entries()) {
    const item = items[next]
    if (item === undefined || (least !== undefined && compare(item, least) >= 0)) continue
    best = at
    least = item
  }
  return best
}

/** Where a page has ended. */
interface Cursor {
  /** Value of the first field of its last item. */
  readonly at: Scalar
  /** Partition → how many items with that value it has given so far; without those of none. */
  readonly given: Readonly<Record<number, number>>
}

/** Counts what has been given of the value that came last. */
class Given {
  #at: Scalar | undefined
  #given: Record<number, number>

  constructor(begun: Cursor | undefined) {
    this.#at = begun?.at
    this.#given = { ...begun?.given }
  }

  count(value: Scalar, partition: number): void {
    if (value !== this.#at) this.#given = {}
    this.#at = value
    this.#given[partition] = (this.#given[partition] ?? 0) + 1
  }

  cursor(): string {
    return Buffer.from(JSON.stringify([this.#at, this.#given])).toString('base64url')
  }
}

function cursorOf({ cursor }: PageInput): Cursor | undefined {
  if (cursor === undefined) return undefined
  const [at, given, ...more] = listOf(cursor)
  if (!isScalar(at) || !isGiven(given) || more.length > 0) throw new UnusableCursor()
  return { at, given }
}

function listOf(cursor: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(list)) return list
  } catch {
    // No JSON: told like every other text that is no cursor.
  }
  throw new UnusableCursor()
}

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Counts beyond would have a handler read without end. */
const givenMax = 1_000_000

function isGiven(given: unknown): given is Cursor['given'] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  return Object.entries(given).every(
    ([partition, count]) =>
      /^\d{1,4}$/.test(partition) && Number.isSafeInteger(count) && count > 0 && count <= givenMax,
  )
}
