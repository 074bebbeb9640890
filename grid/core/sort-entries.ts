import type { EntryView } from './entry.ts'
import { compareScalars, type IndexOrder } from './index-order.ts'

/** Fewer are sorted by comparing them: preparing columns would cost more. */
const comparedMax = 1024
const digitBits = 16
const digits = 1 << digitBits

/**
 * Entries in the order of an index, for many at once. Comparing a million entries with each other
 * costs seconds, for every comparison looks into two of them somewhere in memory. Here each field
 * becomes a column of small numbers first, and these are sorted digit by digit from the last field
 * to the first (least significant digit radix sort: Knuth, The Art of Computer Programming 3,
 * 5.2.5).
 */
export function sortEntries<E extends EntryView>(entries: readonly E[], order: IndexOrder): E[] {
  if (entries.length <= comparedMax) return [...entries].sort((a, b) => order.compare(a, b))
  const columns = order.fields.map((field) => ranksOf(entries, field))
  let places = new Uint32Array(entries.length).map((_, place) => place)
  for (const ranks of columns.toReversed()) places = sortByRank(places, ranks)
  const sorted: E[] = []
  for (const place of places) sorted.push(entries[place] as E)
  const alike = (i: number) =>
    columns.every((ranks) => ranks[places[i] as number] === ranks[places[i - 1] as number])
  orderAlikeByKey(sorted, alike)
  return sorted
}

/**
 * For each entry the number of its field's place among all of them; equal fields have equal ranks.
 */
function ranksOf(entries: readonly EntryView[], field: string): Uint32Array<ArrayBuffer> {
  const numbers = new Float64Array(entries.length)
  let i = 0
  for (const { value } of entries) {
    const number = value[field]
    if (typeof number !== 'number') return ranksOfScalars(entries, field)
    numbers[i++] = number
  }
  return ranksOfNumbers(numbers)
}

function ranksOfNumbers(numbers: Float64Array): Uint32Array<ArrayBuffer> {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let whole = true
  for (const number of numbers) {
    if (number < least) least = number
    if (number > most) most = number
    if (!Number.isInteger(number)) whole = false
  }
  // Whole numbers close enough together are their own ranks.
  const near = whole && most - least < 2 ** 32
  const inOrder = near ? numbers : numbers.toSorted()
  const ranks = new Uint32Array(numbers.length)
  let i = 0
  for (const number of numbers) ranks[i++] = near ? number - least : firstAtLeast(inOrder, number)
  return ranks
}

function firstAtLeast(inOrder: Float64Array, number: number): number {
  let from = 0
  let to = inOrder.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((inOrder[middle] as number) < number) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * Texts and mixtures. Usually few are different: a status, a section, a customer. They are numbered
 * as they come, then ranked.
 */
function ranksOfScalars(entries: readonly EntryView[], field: string): Uint32Array<ArrayBuffer> {
  const numbers = new Map<unknown, number>()
  const numbered = new Uint32Array(entries.length)
  let i = 0
  for (const { value } of entries) {
    let number = numbers.get(value[field])
    if (number === undefined) {
      number = numbers.size
      numbers.set(value[field], number)
    }
    numbered[i++] = number
  }
  const inOrder = [...numbers].sort(([a], [b]) => compareScalars(a, b))
  const ranks = new Uint32Array(inOrder.length)
  for (const [rank, [, number]] of inOrder.entries()) ranks[number] = rank
  return numbered.map((number) => ranks[number] as number)
}

/** Stable: places of equal rank stay in their order. */
function sortByRank(
  places: Uint32Array<ArrayBuffer>,
  ranks: Uint32Array,
): Uint32Array<ArrayBuffer> {
  const most = ranks.reduce((a, b) => (a > b ? a : b), 0)
  let from = places
  for (let shift = 0; shift < 32 && most >>> shift > 0; shift += digitBits) {
    const next = new Uint32Array(digits)
    for (const rank of ranks) count(next, (rank >>> shift) & (digits - 1))
    let before = 0
    for (let digit = 0; digit < digits; digit++) {
      const ofDigit = next[digit] as number
      next[digit] = before
      before += ofDigit
    }
    const to = new Uint32Array(from.length)
    for (const place of from) {
      const digit = ((ranks[place] as number) >>> shift) & (digits - 1)
      to[count(next, digit)] = place
    }
    from = to
  }
  return from
}

/** `alike(i)`: whether the entries at i - 1 and i have the same fields. */
function orderAlikeByKey<E extends EntryView>(sorted: E[], alike: (i: number) => boolean): void {
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1
    while (to < sorted.length && alike(to)) to++
    if (to > from + 1) {
      const group = sorted.slice(from, to).sort((a, b) => (a.key < b.key ? -1 : 1))
      for (const [i, entry] of group.entries()) sorted[from + i] = entry
    }
    from = to
  }
}

/** Adds one; returns what it was. */
function count(counts: Uint32Array, at: number): number {
  const before = counts[at] as number
  counts[at] = before + 1
  return before
}
