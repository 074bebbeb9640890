import type { IndexRange, Scalar } from './data-types.ts'
import { IndexOrder } from './index-order.ts'

/** What stands in a range, behind a place in it. */
interface Asked {
  readonly fields: readonly string[]
  readonly range: IndexRange
  readonly beyond?: { readonly values: readonly Scalar[]; readonly key: string } | undefined
  readonly limit: number
}

interface Keyed {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

/** The first entries of a range, of entries that come in any order; keeps no more than those. */
export class FirstOfRange<Item extends Keyed> {
  readonly #order: IndexOrder
  readonly #asked: Asked
  readonly #sign: number
  readonly #beyond: Keyed | undefined
  /** In the direction of the range. */
  readonly items: Item[] = []

  constructor(asked: Asked) {
    const { fields, range, beyond } = asked
    this.#order = new IndexOrder(fields)
    this.#asked = asked
    this.#sign = range.reverse ? -1 : 1
    this.#beyond = beyond && {
      key: beyond.key,
      value: Object.fromEntries(fields.map((field, at) => [field, beyond.values[at]])),
    }
  }

  add(item: Item): void {
    const { range, limit } = this.#asked
    const { value } = item
    if (!this.#order.covers(value)) return
    if (this.#order.isBefore(value, range) || this.#order.isBehind(value, range)) return
    if (this.#beyond && this.#compare(item, this.#beyond) <= 0) return
    const last = this.items.at(-1)
    if (this.items.length === limit && last && this.#compare(item, last) >= 0) return
    this.items.splice(this.#place(item), 0, item)
    if (this.items.length > limit) this.items.pop()
  }

  /** By bisection: of those before it the item is behind. */
  #place(item: Item): number {
    let [low, high] = [0, this.items.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(this.items[middle] as Item, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(one: Keyed, other: Keyed): number {
    return this.#order.compare(one, other) * this.#sign
  }
}
