import type { IndexRange } from './data-types.ts'
import type { EntryView } from './entry.ts'
import type { Bound, IndexOrder } from './index-order.ts'
import { sortEntries } from './sort-entries.ts'

const nodeItemsMax = 64
/**
 * Neighbours are merged when they fit in one node with room to spare, so that a merge is not
 * followed by a split.
 */
const mergeItemsMax = 48

class Leaf<E extends EntryView> {
  readonly items: E[]

  constructor(items: E[]) {
    this.items = items
  }
}

class Branch<E extends EntryView> {
  readonly items: Node<E>[]
  /**
   * Nothing below the child at the same place comes before its bound, everything below the children
   * to the left does. Copies of what orders: the way down looks at these, close together in memory,
   * and not at entries anywhere in it. The first is never looked at: what is less than all goes
   * there.
   */
  readonly bounds: Bound[]

  constructor(items: Node<E>[], bounds: Bound[]) {
    this.items = items
    this.bounds = bounds
  }
}

/** Where a scan goes on: behind a place in the order, or from there on. */
export interface IndexPlace {
  readonly bound: Bound
  /** An entry at this very place is still wanted. */
  readonly isIncluded: boolean
}

type Node<E extends EntryView> = Leaf<E> | Branch<E>

/** A node that has grown too large is divided: its right half, and the bound of that. */
interface Split<E extends EntryView> {
  readonly right: Node<E>
  readonly bound: Bound
}

/**
 * A secondary index: entries in the order of some of their fields. A B+ tree (Bayer and McCreight
 * 1972; Comer, "The Ubiquitous B-Tree", 1979) whose leaves hold the entries themselves: no key is
 * stored twice. Entries are removed before the fields that order them change.
 */
export class OrderedIndex<E extends EntryView = EntryView> {
  readonly order: IndexOrder
  #root: Node<E> = new Leaf<E>([])
  #size = 0
  /** Of a draft: the nodes that it does not share with the index that it was made of. */
  #own: Set<Node<E>> | undefined

  constructor(order: IndexOrder) {
    this.order = order
  }

  /**
   * The index of many entries at once, of those that it covers: several times faster than to insert
   * one after the other.
   */
  static of<E extends EntryView>(order: IndexOrder, entries: Iterable<E>): OrderedIndex<E> {
    const index = new OrderedIndex<E>(order)
    const covered: E[] = []
    for (const entry of entries) if (order.covers(entry.value)) covered.push(entry)
    let nodes: Node<E>[] = inGroups(sortEntries(covered, order)).map((items) => new Leaf(items))
    let bounds = (nodes as Leaf<E>[]).map(({ items }) => order.boundOf(items[0] as E))
    while (nodes.length > 1) {
      const boundsBelow = inGroups(bounds)
      nodes = inGroups(nodes).map((items, group) => new Branch(items, boundsBelow[group] ?? []))
      bounds = boundsBelow.map(([first]) => first as Bound)
    }
    index.#root = nodes[0] ?? index.#root
    index.#size = covered.length
    return index
  }

  get size(): number {
    return this.#size
  }

  /**
   * An index with the same entries that may change while this one stays as it is: a node is copied
   * before it first changes.
   */
  draft(): OrderedIndex<E> {
    const draft = new OrderedIndex<E>(this.order)
    draft.#root = this.#root
    draft.#size = this.#size
    draft.#own = new Set()
    return draft
  }

  /** The draft takes the place of what it was made of, which nobody reads any more. */
  settle(): void {
    this.#own = undefined
  }

  insert(entry: E): void {
    if (this.#own) this.#root = this.#owned(this.#root, this.#own)
    const left = this.#root
    const split = this.#insert(left, entry)
    // The bound of the first child is never looked at.
    if (split) this.#root = this.#made(new Branch([left, split.right], [split.bound, split.bound]))
    this.#size++
  }

  delete(entry: E): void {
    if (this.#own) this.#root = this.#owned(this.#root, this.#own)
    this.#delete(this.#root, entry)
    this.#size--
    while (this.#root instanceof Branch && this.#root.items.length === 1)
      this.#root = this.#root.items[0] as Node<E>
  }

  /**
   * Visits the entries of the range in order (backwards when `range.reverse`), whatever its
   * `limit`, until `visit` returns false. Returns false when stopped. The index must not change
   * meanwhile.
   * @param place in the direction of the scan: what comes before it is left out
   */
  scan(range: IndexRange, visit: (entry: E) => boolean, place?: IndexPlace): boolean {
    if (this.#size === 0) return true
    let stopped = false
    const visitOrStop = (entry: E): boolean => {
      stopped = !visit(entry)
      return !stopped
    }
    if (range.reverse) this.#backward(this.#root, range, visitOrStop, place)
    else this.#forward(this.#root, range, visitOrStop, place)
    return !stopped
  }

  #owned(node: Node<E>, own: Set<Node<E>>): Node<E> {
    if (own.has(node)) return node
    const copy =
      node instanceof Leaf
        ? new Leaf(node.items.slice())
        : new Branch(node.items.slice(), node.bounds.slice())
    own.add(copy)
    return copy
  }

  #made<N extends Node<E>>(node: N): N {
    this.#own?.add(node)
    return node
  }

  /** The child, as one that may change. */
  #childAt(node: Branch<E>, at: number): Node<E> {
    const child = node.items[at] as Node<E>
    if (!this.#own) return child
    const owned = this.#owned(child, this.#own)
    node.items[at] = owned
    return owned
  }

  #insert(node: Node<E>, entry: E): Split<E> | undefined {
    if (node instanceof Leaf) {
      node.items.splice(this.#lowerBound(node.items, entry), 0, entry)
      if (node.items.length <= nodeItemsMax) return undefined
      const right = this.#made(new Leaf(node.items.splice(splitAt(node.items.length))))
      return { right, bound: this.order.boundOf(right.items[0] as E) }
    }
    const at = this.#childOf(node, entry)
    const split = this.#insert(this.#childAt(node, at), entry)
    if (!split) return undefined
    node.items.splice(at + 1, 0, split.right)
    node.bounds.splice(at + 1, 0, split.bound)
    if (node.items.length <= nodeItemsMax) return undefined
    const half = splitAt(node.items.length)
    const right = this.#made(new Branch(node.items.splice(half), node.bounds.splice(half)))
    return { right, bound: right.bounds[0] as Bound }
  }

  #delete(node: Node<E>, entry: E): void {
    if (node instanceof Leaf) {
      const at = this.#lowerBound(node.items, entry)
      if (node.items[at] !== entry)
        throw new Error(`index ${this.order.fields}: entry ${entry.key} is not where it should be`)
      node.items.splice(at, 1)
      return
    }
    const at = this.#childOf(node, entry)
    const child = this.#childAt(node, at)
    this.#delete(child, entry)
    if (child.items.length === 0) {
      node.items.splice(at, 1)
      node.bounds.splice(at, 1)
    } else this.#mergeAt(node, Math.max(0, at - 1))
  }

  #mergeAt(node: Branch<E>, at: number): void {
    const right = node.items[at + 1]
    const { length } = (node.items[at] as Node<E>).items
    if (!right || length + right.items.length > mergeItemsMax) return
    const left = this.#childAt(node, at)
    if (left instanceof Leaf) left.items.push(...(right as Leaf<E>).items)
    else {
      const { items, bounds } = right as Branch<E>
      left.items.push(...items)
      left.bounds.push(node.bounds[at + 1] as Bound, ...bounds.slice(1))
    }
    node.items.splice(at + 1, 1)
    node.bounds.splice(at + 1, 1)
  }

  /** Index of the first item that is not before the entry. */
  #lowerBound(items: readonly E[], entry: E): number {
    let from = 0
    let to = items.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.order.compare(items[middle] as E, entry) < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Index of the child that holds the entry, or would. */
  #childOf(node: Branch<E>, entry: E): number {
    let from = 1
    let to = node.bounds.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.order.compare(node.bounds[middle] as Bound, entry) <= 0) from = middle + 1
      else to = middle
    }
    return from - 1
  }

  /**
   * Returns false when there is nothing more to visit: the range has ended or the visitor wants no
   * more.
   */
  #forward(
    node: Node<E>,
    range: IndexRange,
    visit: (entry: E) => boolean,
    place: IndexPlace | undefined,
  ): boolean {
    const ordered: readonly Bound[] = node instanceof Leaf ? node.items : node.bounds
    let from = node instanceof Leaf ? 0 : 1
    let to = ordered.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const bound = ordered[middle] as Bound
      const isBefore =
        this.order.isBefore(bound.value, range) || (place && this.#isLeftOut(bound, place, 1))
      if (isBefore) from = middle + 1
      else to = middle
    }
    if (node instanceof Leaf) {
      for (let i = from; i < node.items.length; i++) {
        const entry = node.items[i] as E
        if (this.order.isBehind(entry.value, range) || !visit(entry)) return false
      }
      return true
    }
    // The child before the first one whose bound is inside the range may end inside it.
    for (let i = Math.max(0, from - 1); i < node.items.length; i++)
      if (!this.#forward(node.items[i] as Node<E>, range, visit, place)) return false
    return true
  }

  /** Whether it comes before the place: `sign` 1, or behind it: -1. */
  #isLeftOut(bound: Bound, { bound: at, isIncluded }: IndexPlace, sign: 1 | -1): boolean {
    const order = sign * this.order.compare(bound, at)
    return isIncluded ? order < 0 : order <= 0
  }

  #backward(
    node: Node<E>,
    range: IndexRange,
    visit: (entry: E) => boolean,
    place: IndexPlace | undefined,
  ): boolean {
    const ordered: readonly Bound[] = node instanceof Leaf ? node.items : node.bounds
    let from = node instanceof Leaf ? 0 : 1
    let to = ordered.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const bound = ordered[middle] as Bound
      const isBehind =
        this.order.isBehind(bound.value, range) || (place && this.#isLeftOut(bound, place, -1))
      if (isBehind) to = middle
      else from = middle + 1
    }
    for (let i = from - 1; i >= 0; i--) {
      if (node instanceof Branch) {
        if (!this.#backward(node.items[i] as Node<E>, range, visit, place)) return false
        continue
      }
      const entry = node.items[i] as E
      if (this.order.isBefore(entry.value, range) || !visit(entry)) return false
    }
    return true
  }
}

/** Full enough to be small in memory, with room for what comes. */
function inGroups<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / mergeItemsMax)
  return Array.from({ length: count }, (_, group) =>
    items.slice(
      Math.round((group * items.length) / count),
      Math.round(((group + 1) * items.length) / count),
    ),
  )
}

const splitAt = (length: number): number => length >>> 1
