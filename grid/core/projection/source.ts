import type { Value } from '../data-types.ts'
import type { AnyCache, Cache } from '../transaction.ts'
import type { Join, JoinPlan, ProjectionSource } from './projection.ts'
import { isOrdered } from './ranked-items.ts'
import { rowKey } from './row-key.ts'

/** What comes of a source, one at a time. */
export type EntryOf<Of> =
  Of extends Join<infer Item, infer _Uses>
    ? Item
    : Of extends readonly (infer One)[]
      ? One extends Cache<infer V>
        ? V
        : never
      : Of extends Cache<infer V>
        ? V
        : never

/** Names of the caches that a source follows. */
export type UsesOf<Of> =
  Of extends Join<infer _Item, infer Uses>
    ? Uses
    : Of extends readonly (infer One)[]
      ? One extends { readonly name: infer Name extends string }
        ? Name
        : never
      : Of extends { readonly name: infer Name extends string }
        ? Name
        : never

export const isJoin = (of: unknown): of is Join =>
  typeof of === 'object' && of !== null && 'plan' in of

/** The caches that a source follows, each once. */
export function cachesOf(of: ProjectionSource): readonly AnyCache[] {
  if (isJoin(of)) return [...new Set([of.plan.left, of.plan.right])]
  return Array.isArray(of) ? (of as readonly AnyCache[]) : [of as AnyCache]
}

/**
 * Told of every item that has come (no `before`), changed or gone (no `after`).
 * @param id no other item of the source has it at that time
 */
export type ItemListener = (id: string, before: Value | undefined, after: Value | undefined) => void

/** What makes items of the changes of entries. */
export interface ItemFeed {
  change(cache: AnyCache, key: string, before: Value | undefined, after: Value | undefined): void
  /** Entries that are kept beside the caches' own. */
  readonly size: number
}

export function openFeed(of: ProjectionSource, listener: ItemListener): ItemFeed {
  if (isJoin(of)) return new JoinFeed(of.plan, listener)
  // One key may be in several caches.
  if (Array.isArray(of))
    return {
      size: 0,
      change: ({ name }, key, before, after) => listener(`${name}/${key}`, before, after),
    }
  return { size: 0, change: (_, key, before, after) => listener(key, before, after) }
}

type Side = Map<unknown, Map<string, Value>>

/**
 * A join that is kept up from both sides: a symmetric hash join (Wilschut and Apers, "Dataflow
 * Query Execution in a Parallel Main-Memory Environment", 1991) that also takes back. It keeps what
 * it joins by: when it is told of one of a transaction's writes, the caches have all of them
 * already.
 */
class JoinFeed implements ItemFeed {
  readonly #plan: JoinPlan
  readonly #listener: ItemListener
  readonly #left: Side = new Map()
  readonly #right: Side = new Map()
  /** An entry on the left belongs to one at most: the item has its key. */
  readonly #isByKey: boolean
  size = 0

  constructor(plan: JoinPlan, listener: ItemListener) {
    this.#plan = plan
    this.#listener = listener
    this.#isByKey = plan.to === plan.right.key
  }

  change(cache: AnyCache, key: string, before: Value | undefined, after: Value | undefined): void {
    // A cache may be joined with itself.
    if (cache === this.#plan.left) this.#changeLeft(key, before, after)
    if (cache === this.#plan.right) this.#changeRight(key, before, after)
  }

  #changeLeft(key: string, before: Value | undefined, after: Value | undefined): void {
    const { on } = this.#plan
    const was = before === undefined ? noItems : this.#itemsOf(key, before)
    this.#move(this.#left, key, before, after, on)
    const is = after === undefined ? noItems : this.#itemsOf(key, after)
    for (const [id, item] of was) this.#listener(id, item, is.get(id))
    for (const [id, item] of is) if (!was.has(id)) this.#listener(id, undefined, item)
  }

  /** The items of an entry on the left, with the right side as it is. */
  #itemsOf(key: string, left: Value): ReadonlyMap<string, Value> {
    const { on, outer } = this.#plan
    const partners = this.#right.get(left[on])
    const items = new Map<string, Value>()
    if (partners && isOrdered(left[on]))
      for (const [rightKey, right] of partners)
        items.set(this.#idOf(key, rightKey), this.#select(left, right))
    else if (outer) items.set(this.#idOf(key, ''), this.#select(left, undefined))
    return items
  }

  #changeRight(key: string, before: Value | undefined, after: Value | undefined): void {
    const { to } = this.#plan
    const from = before?.[to]
    const at = after?.[to]
    if (before !== undefined && after !== undefined && from === at) {
      this.#move(this.#right, key, before, after, to)
      for (const [leftKey, left] of this.#leftOf(at))
        this.#listener(
          this.#idOf(leftKey, key),
          this.#select(left, before),
          this.#select(left, after),
        )
      return
    }
    this.#move(this.#right, key, before, after, to)
    if (before !== undefined) this.#part(key, before, from)
    if (after !== undefined) this.#meet(key, after, at)
  }

  /** An entry on the right is gone from a value. */
  #part(key: string, right: Value, value: unknown): void {
    const isLast = this.#plan.outer && !this.#right.has(value)
    for (const [leftKey, left] of this.#leftOf(value)) {
      const id = this.#idOf(leftKey, key)
      const alone = isLast ? this.#select(left, undefined) : undefined
      this.#pass(id, this.#select(left, right), this.#idOf(leftKey, ''), alone)
    }
  }

  /** An entry on the right has come to a value. */
  #meet(key: string, right: Value, value: unknown): void {
    const isFirst = this.#plan.outer && this.#right.get(value)?.size === 1
    for (const [leftKey, left] of this.#leftOf(value)) {
      const id = this.#idOf(leftKey, key)
      const alone = isFirst ? this.#select(left, undefined) : undefined
      this.#pass(this.#idOf(leftKey, ''), alone, id, this.#select(left, right))
    }
  }

  #pass(fromId: string, from: Value | undefined, toId: string, to: Value | undefined): void {
    if (fromId === toId) this.#listener(fromId, from, to)
    else {
      if (from !== undefined) this.#listener(fromId, from, undefined)
      if (to !== undefined) this.#listener(toId, undefined, to)
    }
  }

  #leftOf(value: unknown): Iterable<[string, Value]> {
    return (isOrdered(value) && this.#left.get(value)) || []
  }

  #select(left: Value, right: Value | undefined): Value {
    return this.#plan.select(left, right) as Value
  }

  #idOf(left: string, right: string): string {
    return this.#isByKey ? left : rowKey(left, right)
  }

  #move(
    side: Side,
    key: string,
    before: Value | undefined,
    after: Value | undefined,
    field: string,
  ): void {
    if (before !== undefined && isOrdered(before[field])) {
      const entries = side.get(before[field])
      if (entries?.delete(key)) this.size--
      if (entries?.size === 0) side.delete(before[field])
    }
    if (after === undefined || !isOrdered(after[field])) return
    let entries = side.get(after[field])
    if (!entries) {
      entries = new Map()
      side.set(after[field], entries)
    }
    entries.set(key, after)
    this.size++
  }
}

const noItems: ReadonlyMap<string, Value> = new Map()
