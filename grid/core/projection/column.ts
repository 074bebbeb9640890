import { ReturnFault } from '../application-fault.ts'
import { refusePromise } from '../callback.ts'
import { takeData } from '../data.ts'
import type { Scalar, Value } from '../data-types.ts'
import type { AggregatePlan, Picked } from './aggregate.ts'
import { ExactSum } from './exact-sum.ts'
import { isOrdered, RankedItems, RankedValues } from './ranked-items.ts'

/**
 * One value of every row of a projection. What is kept of a group for it (its cell) is the
 * projection's to keep; what all groups share is in here.
 */
export interface Column {
  /** The cell of a group without items. */
  create(): unknown
  /**
   * An item has come (no `before`), changed or gone (no `after`); returns the cell.
   * @param id of the item in the whole projection
   */
  change(
    cell: unknown,
    group: string,
    id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): unknown
  /** What stands in the row, frozen; undefined: nothing. */
  value(cell: unknown, group: string): unknown
  /** Items or values that are kept beside the cells. */
  readonly size: number
}

/** @param name of the value, for faults */
export function openColumn(name: string, plan: AggregatePlan): Column {
  switch (plan.kind) {
    case 'count':
      return new CountColumn(name, plan.where as Test | undefined)
    case 'sum':
      return new SumColumn(name, picker(plan.of))
    case 'min':
    case 'max':
      return new ExtremeColumn(picker(plan.of), plan.kind === 'max')
    case 'top':
      return new TopColumn(plan)
    case 'fold':
      return new FoldColumn(plan)
  }
}

type Test = (item: Value) => unknown
type Pick = (item: Value) => unknown
type Step = (value: unknown, item: Value) => unknown

const picker = (of: Picked): Pick =>
  typeof of === 'string' ? (item) => item[of] : (of as unknown as Pick)

/** Whether an item is one that is meant. @throws ReturnFault for anything but a boolean */
export function passes(name: string, where: Test, item: Value): boolean {
  const passed = where(item)
  if (typeof passed === 'boolean') return passed
  refusePromise(passed)
  throw new ReturnFault(name, `says true or false of an item, not ${typeof passed}`)
}

class CountColumn implements Column {
  readonly size = 0
  readonly #name: string
  readonly #where: Test | undefined

  constructor(name: string, where: Test | undefined) {
    this.#name = name
    this.#where = where
  }

  create(): number {
    return 0
  }

  change(
    cell: number,
    _group: string,
    _id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): number {
    return cell + this.#countOf(after) - this.#countOf(before)
  }

  #countOf(item: Value | undefined): number {
    if (item === undefined) return 0
    return this.#where === undefined || passes(this.#name, this.#where, item) ? 1 : 0
  }

  value(cell: number): number {
    return cell
  }
}

class SumColumn implements Column {
  readonly size = 0
  readonly #name: string
  readonly #pick: Pick

  constructor(name: string, pick: Pick) {
    this.#name = name
    this.#pick = pick
  }

  create(): ExactSum {
    return new ExactSum()
  }

  change(
    sum: ExactSum,
    _group: string,
    _id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): ExactSum {
    const old = this.#numberOf(before)
    const number = this.#numberOf(after)
    if (old === number) return sum
    if (old !== 0) sum.add(-old)
    if (number !== 0) sum.add(number)
    return sum
  }

  #numberOf(item: Value | undefined): number {
    if (item === undefined) return 0
    const number = this.#pick(item)
    if (typeof number === 'number') return number
    if (number === undefined || number === null) return 0
    refusePromise(number)
    throw new ReturnFault(this.#name, `adds up numbers, and was given a ${typeof number}`)
  }

  value(sum: ExactSum): number {
    return sum.value
  }
}

class ExtremeColumn implements Column {
  readonly #pick: Pick
  readonly #isMost: boolean
  readonly #values = new RankedValues()

  constructor(pick: Pick, isMost: boolean) {
    this.#pick = pick
    this.#isMost = isMost
  }

  get size(): number {
    return this.#values.size
  }

  create(): undefined {
    return undefined
  }

  change(
    _cell: unknown,
    group: string,
    _id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): undefined {
    const old = this.#valueOf(before)
    const value = this.#valueOf(after)
    if (old === value) return undefined
    if (old !== undefined) this.#values.remove(group, old)
    if (value !== undefined) this.#values.add(group, value)
    return undefined
  }

  #valueOf(item: Value | undefined): Scalar | undefined {
    if (item === undefined) return undefined
    const value = this.#pick(item)
    if (isOrdered(value)) return value
    refusePromise(value)
    return undefined
  }

  value(_cell: unknown, group: string): unknown {
    return this.#values.first(group, this.#isMost)
  }
}

class TopColumn implements Column {
  readonly #count: number
  readonly #by: string
  readonly #lowest: boolean
  readonly #show: readonly string[] | undefined
  readonly #items = new RankedItems()

  constructor({ count, by, lowest, show }: AggregatePlan & { readonly kind: 'top' }) {
    this.#count = count
    this.#by = by
    this.#lowest = lowest
    this.#show = show && [...new Set([by, ...show])]
  }

  get size(): number {
    return this.#items.size
  }

  create(): undefined {
    return undefined
  }

  change(
    _cell: unknown,
    group: string,
    id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): undefined {
    if (before !== undefined) this.#items.remove(id)
    const by = after?.[this.#by]
    if (after !== undefined && isOrdered(by)) this.#items.add(group, by, id, this.#shown(after))
    return undefined
  }

  #shown(item: Value): unknown {
    const show = this.#show
    if (show === undefined) return Object.isFrozen(item) ? item : takeData(item)
    const shown: Record<string, unknown> = {}
    for (const field of show) if (item[field] !== undefined) shown[field] = item[field]
    return takeData(shown)
  }

  value(_cell: unknown, group: string): unknown {
    return Object.freeze(this.#items.first(group, this.#count, !this.#lowest))
  }
}

class FoldColumn implements Column {
  readonly size = 0
  readonly #initial: unknown
  readonly #add: Step
  readonly #remove: Step

  constructor({ initial, add, remove }: AggregatePlan & { readonly kind: 'fold' }) {
    this.#initial = initial
    this.#add = add as unknown as Step
    this.#remove = remove as unknown as Step
  }

  create(): unknown {
    return this.#initial
  }

  change(
    cell: unknown,
    _group: string,
    _id: string,
    before: Value | undefined,
    after: Value | undefined,
  ): unknown {
    const without = before === undefined ? cell : taken(this.#remove(cell, before))
    return after === undefined ? without : taken(this.#add(without, after))
  }

  value(cell: unknown): unknown {
    return cell
  }
}

/** Frozen, and nobody else's: a fold that changed what it was given would be found out. */
function taken(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return takeData(value)
  refusePromise(value)
  return takeData(value)
}
