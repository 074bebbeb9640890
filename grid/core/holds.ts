import type { IndexRange, Value } from './data-types.ts'
import { type Hold, readHold } from './hold.ts'
import type { HeldRange } from './hold-terms.ts'
import type { Bound, IndexOrder } from './index-order.ts'
import { idempotencyCacheNumber } from './shape.ts'
import { isFollowUp, type Step, StepKind } from './steps.ts'
import { collect, type View } from './view.ts'

/** What a transaction has to do with: all of it, or some. */
export interface Touched {
  readonly reads: readonly { readonly cache: number; readonly key: string }[]
  readonly ranges: readonly HeldRange[]
  /** Each works on what it names, whatever comes of it. */
  readonly steps: readonly Step[]
  /** Known when the steps have been evaluated. */
  readonly writes: readonly {
    readonly cache: number
    readonly key: string
    readonly value: Value | undefined
  }[]
}

/** A write that a hold will make; no value: the entry is not to be touched until then. */
interface HeldWrite {
  readonly hold: Hold
  readonly value: Value | undefined
}

/** A range that a hold has read, with the last entry that it was given, once that was asked for. */
class SharedRange {
  readonly hold: Hold
  readonly index: number
  readonly range: IndexRange
  #last: { readonly bound: Bound | undefined } | undefined

  constructor(hold: Hold, { index, range }: HeldRange) {
    this.hold = hold
    this.index = index
    this.range = range
  }

  /** What the range holds stays as it is while it is held, so it is looked for once. */
  holds(view: View, cache: number, entry: Bound): boolean {
    const order = view.layout.cache(cache).orders[this.index]
    if (!order) return false
    this.#last ??= { bound: lastOf(view, { cache, index: this.index, range: this.range }, 0) }
    return isWithin(order, entry, this.range, this.#last.bound)
  }
}

type ByCache<T> = Map<number, Map<string, T[]>>

/**
 * What is held, by what it keeps others from: derived from the entries of `_holds`, and changed
 * with them. A hold is shared on what was read and exclusive on what will be written: strict
 * two-phase locking (Eswaran, Gray, Lorie and Traiger, CACM 1976), except that nobody waits here:
 * whoever meets a hold has collided, and runs again.
 */
export class Holds {
  readonly #byAttempt = new Map<string, Hold>()
  /** By cache and key. */
  readonly #exclusive: ByCache<HeldWrite> = new Map()
  readonly #shared: ByCache<Hold> = new Map()
  readonly #ranges = new Map<number, SharedRange[]>()

  get size(): number {
    return this.#byAttempt.size
  }

  all(): IterableIterator<Hold> {
    return this.#byAttempt.values()
  }

  find(attempt: string): Hold | undefined {
    return this.#byAttempt.get(attempt)
  }

  /** Entries of a cache that will be written, those counted twice that two holds will. */
  writesOf(cache: number): number {
    return this.#exclusive.get(cache)?.size ?? 0
  }

  /** The entry of `_holds` is this now; undefined: it is gone. */
  set(attempt: string, value: Value | undefined): void {
    const before = this.#byAttempt.get(attempt)
    const hold = readHold(value)
    if (before === hold) return
    if (before) this.#remove(attempt, before)
    if (hold) this.#add(attempt, hold)
  }

  /** The first hold that a transaction meets; undefined: it is free to go on. */
  inTheWay(view: View, touched: Touched): Hold | undefined {
    for (const { cache, key } of touched.reads) {
      const hold = this.#exclusive.get(cache)?.get(key)?.[0]?.hold
      if (hold) return hold
    }
    for (const range of touched.ranges) {
      const hold = this.#inRange(view, range, 0)
      if (hold) return hold
    }
    return this.#ofSteps(view, touched.steps) ?? this.#ofWrites(view, touched.writes)
  }

  #ofSteps(view: View, steps: Touched['steps']): Hold | undefined {
    // What steps before it have written may hide entries from a take, which then claims others
    // further on.
    let hidden = 0
    for (const step of steps) {
      if (isFollowUp(step)) continue
      if (step.kind === StepKind.take) {
        const { cache, index, range, limit } = step
        const hold = this.#inRange(view, { cache, index, range: { ...range, limit } }, hidden)
        if (hold) return hold
        hidden += limit
        continue
      }
      hidden++
      const cache = step.kind === StepKind.remember ? idempotencyCacheNumber : step.cache
      const hold = this.#exclusive.get(cache)?.get(step.key)?.[0]?.hold
      if (hold) return hold
    }
    return undefined
  }

  #ofWrites(view: View, writes: Touched['writes']): Hold | undefined {
    for (const { cache, key, value } of writes) {
      const hold =
        this.#exclusive.get(cache)?.get(key)?.[0]?.hold ?? this.#shared.get(cache)?.get(key)?.[0]
      if (hold) return hold
      const ranges = this.#ranges.get(cache)
      if (!ranges) continue
      const before = view.find(cache, key)
      const after = value && { key, value }
      for (const range of ranges)
        if (
          (before && range.holds(view, cache, before)) ||
          (after && range.holds(view, cache, after))
        )
          return range.hold
    }
    return undefined
  }

  /** Whether what a range gives may change when something held is written. */
  #inRange(view: View, read: HeldRange, hidden: number): Hold | undefined {
    const { cache, index, range } = read
    const held = this.#exclusive.get(cache)
    if (!held || range.limit === 0) return undefined
    const order = view.layout.cache(cache).orders[index]
    if (!order) return undefined
    const last = lastOf(view, read, hidden)
    for (const [key, writes] of held) {
      const before = view.find(cache, key)
      for (const { hold, value } of writes)
        if (
          (before && isWithin(order, before, range, last)) ||
          (value && isWithin(order, { key, value }, range, last))
        )
          return hold
    }
    return undefined
  }

  #add(attempt: string, hold: Hold): void {
    this.#byAttempt.set(attempt, hold)
    for (const [cache, key] of hold.reads) add(this.#shared, cache, key, hold)
    for (const { cache, key, value } of exclusivesOf(hold))
      add(this.#exclusive, cache, key, { hold, value })
    for (const range of hold.ranges) {
      const shared = new SharedRange(hold, range)
      const ranges = this.#ranges.get(range.cache)
      if (ranges) ranges.push(shared)
      else this.#ranges.set(range.cache, [shared])
    }
  }

  #remove(attempt: string, hold: Hold): void {
    this.#byAttempt.delete(attempt)
    for (const [cache, key] of hold.reads)
      remove(this.#shared, cache, key, (other) => other === hold)
    for (const { cache, key } of exclusivesOf(hold))
      remove(this.#exclusive, cache, key, (other) => other.hold === hold)
    for (const { cache } of hold.ranges) {
      const rest = this.#ranges.get(cache)?.filter((other) => other.hold !== hold) ?? []
      if (rest.length > 0) this.#ranges.set(cache, rest)
      else this.#ranges.delete(cache)
    }
  }

  /** All that is derived, as text: equal for what is derived from equal entries. */
  toString(): string {
    const lines = [...this.#byAttempt.keys()].map((attempt) => `held ${attempt}`)
    for (const [cache, keys] of this.#exclusive)
      for (const [key, writes] of keys)
        for (const { hold, value } of writes)
          lines.push(`exclusive ${cache} ${key} ${hold.attempt} ${JSON.stringify(value)}`)
    for (const [cache, keys] of this.#shared)
      for (const [key, holds] of keys)
        for (const { attempt } of holds) lines.push(`shared ${cache} ${key} ${attempt}`)
    for (const [cache, ranges] of this.#ranges)
      for (const { hold, index, range } of ranges)
        lines.push(`range ${cache} ${index} ${hold.attempt} ${JSON.stringify(range)}`)
    return lines.sort().join('\n')
  }
}

/** What will be written, and the idempotency key under which it will be remembered. */
const exclusivesOf = ({ writes, key }: Hold): Touched['writes'] =>
  key === undefined ? writes : [...writes, { cache: idempotencyCacheNumber, key, value: undefined }]

function add<T>(to: ByCache<T>, cache: number, key: string, item: T): void {
  let keys = to.get(cache)
  if (!keys) {
    keys = new Map()
    to.set(cache, keys)
  }
  const items = keys.get(key)
  if (items) items.push(item)
  else keys.set(key, [item])
}

function remove<T>(from: ByCache<T>, cache: number, key: string, is: (item: T) => boolean): void {
  const keys = from.get(cache)
  const rest = keys?.get(key)?.filter((item) => !is(item)) ?? []
  if (rest.length > 0) keys?.set(key, rest)
  else keys?.delete(key)
  if (keys?.size === 0) from.delete(cache)
}

/**
 * The last entry that a range gives if its limit cuts it off, `more` entries further on: what comes
 * behind that does not matter to it. undefined: nothing is cut off.
 */
function lastOf(view: View, { cache, index, range }: HeldRange, more: number): Bound | undefined {
  if (range.limit === undefined) return undefined
  const limit = range.limit + more
  const entries = collect(view, cache, index, { ...range, limit })
  const last = entries.length === limit ? entries.at(-1) : undefined
  return last && view.layout.cache(cache).orders[index]?.boundOf(last)
}

function isWithin(
  order: IndexOrder,
  entry: Bound,
  range: IndexRange,
  last: Bound | undefined,
): boolean {
  const { value } = entry
  if (!order.covers(value) || order.isBefore(value, range) || order.isBehind(value, range))
    return false
  if (last === undefined) return true
  const side = order.compare(entry, last)
  return range.reverse ? side >= 0 : side <= 0
}
