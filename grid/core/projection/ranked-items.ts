import type { Scalar } from '../data-types.ts'
import type { EntryView } from '../entry.ts'
import { IndexOrder } from '../index-order.ts'
import { OrderedIndex } from '../ordered-index.ts'

/** What is kept of one item, in the order of its group and of what it is ranked by. */
class Ranked implements EntryView {
  readonly key: string
  readonly keyHash = 0
  readonly version = 0
  readonly value: { readonly group: string; readonly by: Scalar }
  /** So many items have this value, where only values are kept. */
  count = 1
  readonly shown: unknown

  constructor(key: string, group: string, by: Scalar, shown: unknown) {
    this.key = key
    this.value = { group, by }
    this.shown = shown
  }
}

/** Whether an index could find it again. */
export const isOrdered = (value: unknown): value is Scalar =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && !Number.isNaN(value))

const newIndex = () => new OrderedIndex<Ranked>(new IndexOrder(['group', 'by']))

/**
 * Values by group, each with how many items have it: what is least and most in a group is known
 * again when the value that was is gone. One tree for all groups: most have few items.
 */
export class RankedValues {
  readonly #index = newIndex()

  /** Values that are kept. */
  get size(): number {
    return this.#index.size
  }

  add(group: string, by: Scalar): void {
    const found = this.#find(group, by)
    if (found) found.count++
    else this.#index.insert(new Ranked('', group, by, undefined))
  }

  /** What has been added before. */
  remove(group: string, by: Scalar): void {
    const found = this.#find(group, by)
    if (!found) throw new Error(`group ${group} has no item with the value ${String(by)}`)
    found.count--
    if (found.count === 0) this.#index.delete(found)
  }

  first(group: string, reverse: boolean): Scalar | undefined {
    let first: Scalar | undefined
    this.#index.scan({ equals: [group], reverse }, ({ value }) => {
      first = value.by
      return false
    })
    return first
  }

  #find(group: string, by: Scalar): Ranked | undefined {
    let found: Ranked | undefined
    this.#index.scan({ equals: [group, by] }, (ranked) => {
      found = ranked
      return false
    })
    return found
  }
}

/** Items by group, in their order: the first few are known again when one of them is gone. */
export class RankedItems {
  readonly #index = newIndex()
  readonly #byId = new Map<string, Ranked>()

  get size(): number {
    return this.#byId.size
  }

  add(group: string, by: Scalar, id: string, shown: unknown): void {
    const ranked = new Ranked(id, group, by, shown)
    this.#byId.set(id, ranked)
    this.#index.insert(ranked)
  }

  remove(id: string): void {
    const ranked = this.#byId.get(id)
    if (!ranked) return
    this.#byId.delete(id)
    this.#index.delete(ranked)
  }

  first(group: string, count: number, reverse: boolean): readonly unknown[] {
    const items: unknown[] = []
    this.#index.scan({ equals: [group], reverse }, ({ shown }) => {
      items.push(shown)
      return items.length < count
    })
    return items
  }
}
