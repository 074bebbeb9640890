import type { IndexRange, Value } from './data-types.ts'
import type { Bound, IndexOrder } from './index-order.ts'
import type { CacheLayout } from './layout.ts'

/** Part of a cache that somebody wants to hear of. */
export type Interest =
  | { readonly kind: 'all' }
  | { readonly kind: 'key'; readonly key: string }
  /** The number of its entries. */
  | { readonly kind: 'count' }
  | {
      readonly kind: 'range'
      readonly index: number
      /** Without its limit. */
      readonly range: IndexRange
      /** The last entry that was wanted: what lies behind it, as the range goes, was not. */
      readonly last?: Bound | undefined
    }

/**
 * Who is to hear of a change of one cache: the way from a change to those who have read what it
 * changes. To look costs one step for each index that somebody reads ranges of, however many they
 * are: ranges are found by the values that they say are equal; only those of one such group are
 * compared one by one.
 */
export class Interests<Subject> {
  readonly #layout: () => CacheLayout
  readonly #all = new Set<Subject>()
  readonly #counts = new Set<Subject>()
  readonly #byKey = new Map<string, Set<Subject>>()
  readonly #groups: RangeGroup<Subject>[] = []

  /** @param layout of the cache, as it is at the moment: it may get more indexes */
  constructor(layout: () => CacheLayout) {
    this.#layout = layout
  }

  get isEmpty(): boolean {
    return (
      this.#all.size === 0 &&
      this.#counts.size === 0 &&
      this.#byKey.size === 0 &&
      this.#groups.length === 0
    )
  }

  add(interest: Interest, subject: Subject): void {
    if (interest.kind === 'all') this.#all.add(subject)
    else if (interest.kind === 'count') this.#counts.add(subject)
    else if (interest.kind === 'key') {
      const subjects = this.#byKey.get(interest.key)
      if (subjects) subjects.add(subject)
      else this.#byKey.set(interest.key, new Set([subject]))
    } else this.#groupOf(interest).add(interest, subject)
  }

  remove(interest: Interest, subject: Subject): void {
    if (interest.kind === 'all') this.#all.delete(subject)
    else if (interest.kind === 'count') this.#counts.delete(subject)
    else if (interest.kind === 'key') {
      const subjects = this.#byKey.get(interest.key)
      subjects?.delete(subject)
      if (subjects?.size === 0) this.#byKey.delete(interest.key)
    } else {
      const group = this.#groupOf(interest)
      group.remove(interest, subject)
      if (group.isEmpty) this.#groups.splice(this.#groups.indexOf(group), 1)
    }
  }

  /** Tells each of those who have to hear of a change, some perhaps more than once. */
  touched(
    key: string,
    before: Value | undefined,
    after: Value | undefined,
    tell: (subject: Subject) => void,
  ): void {
    for (const subject of this.#all) tell(subject)
    if ((before === undefined) !== (after === undefined))
      for (const subject of this.#counts) tell(subject)
    const ofKey = this.#byKey.get(key)
    if (ofKey) for (const subject of ofKey) tell(subject)
    for (const group of this.#groups) group.touched(key, before, after, tell)
  }

  #groupOf({ index, range }: RangeInterest): RangeGroup<Subject> {
    const length = range.equals?.length ?? 0
    const known = this.#groups.find((group) => group.index === index && group.length === length)
    if (known) return known
    const order = this.#layout().orders[index] as IndexOrder
    const group = new RangeGroup<Subject>(index, length, order)
    this.#groups.push(group)
    return group
  }
}

type RangeInterest = Extract<Interest, { readonly kind: 'range' }>

/** Ranges of one index that name as many equal values. */
class RangeGroup<Subject> {
  readonly index: number
  readonly length: number
  readonly #order: IndexOrder
  readonly #fields: readonly string[]
  readonly #byEquals = new Map<string, Map<RangeInterest, Set<Subject>>>()

  constructor(index: number, length: number, order: IndexOrder) {
    this.index = index
    this.length = length
    this.#order = order
    this.#fields = order.fields.slice(0, length)
  }

  get isEmpty(): boolean {
    return this.#byEquals.size === 0
  }

  add(interest: RangeInterest, subject: Subject): void {
    const equals = JSON.stringify(interest.range.equals ?? [])
    const ranges = this.#byEquals.get(equals) ?? new Map<RangeInterest, Set<Subject>>()
    this.#byEquals.set(equals, ranges)
    ranges.set(interest, (ranges.get(interest) ?? new Set()).add(subject))
  }

  remove(interest: RangeInterest, subject: Subject): void {
    const equals = JSON.stringify(interest.range.equals ?? [])
    const ranges = this.#byEquals.get(equals)
    const subjects = ranges?.get(interest)
    subjects?.delete(subject)
    if (subjects?.size === 0) ranges?.delete(interest)
    if (ranges?.size === 0) this.#byEquals.delete(equals)
  }

  touched(
    key: string,
    before: Value | undefined,
    after: Value | undefined,
    tell: (subject: Subject) => void,
  ): void {
    this.#at(key, before, tell)
    this.#at(key, after, tell)
  }

  #at(key: string, value: Value | undefined, tell: (subject: Subject) => void): void {
    if (value === undefined || !this.#order.covers(value)) return
    const equals = JSON.stringify(this.#fields.map((field) => value[field]))
    const ranges = this.#byEquals.get(equals)
    if (!ranges) return
    for (const [interest, subjects] of ranges)
      if (this.#isIn(interest, key, value)) for (const subject of subjects) tell(subject)
  }

  #isIn({ range, last }: RangeInterest, key: string, value: Value): boolean {
    if (!isInRange(this.#order, range, value)) return false
    if (last === undefined) return true
    const order = this.#order.compare({ key, value }, last)
    return range.reverse ? order >= 0 : order <= 0
  }
}

/** Whether an entry of this value is in the range, whatever its limit. */
export const isInRange = (order: IndexOrder, range: IndexRange, value: Value): boolean =>
  order.covers(value) && !order.isBefore(value, range) && !order.isBehind(value, range)
