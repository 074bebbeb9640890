import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IndexRange, Scalar, Value } from './data-types.ts'
import { Entry, type EntryView } from './entry.ts'
import { IndexOrder } from './index-order.ts'
import { OrderedIndex } from './ordered-index.ts'

/** The model: a plain array, sorted by a comparison written down once more, independently. */
class SortedArray {
  readonly fields: readonly string[]
  readonly entries: Entry[] = []

  constructor(fields: readonly string[]) {
    this.fields = fields
  }

  scan(range: IndexRange): string[] {
    const found = this.entries
      .filter((entry) => this.#isIn(entry.value, range))
      .sort((a, b) => this.#compare(a, b))
    return (range.reverse ? found.reverse() : found).map((entry) => entry.key)
  }

  #compare(a: Entry, b: Entry): number {
    for (const field of this.fields) {
      const order = compare(a.value[field] as Scalar, b.value[field] as Scalar)
      if (order !== 0) return order
    }
    return compare(a.key, b.key)
  }

  #isIn(value: Value, { equals = [], from, after, to, before }: IndexRange): boolean {
    if (equals.some((wanted, i) => value[this.fields[i] as string] !== wanted)) return false
    const next = value[this.fields[equals.length] as string] as Scalar
    return (
      (from === undefined || compare(next, from) >= 0) &&
      (after === undefined || compare(next, after) > 0) &&
      (to === undefined || compare(next, to) <= 0) &&
      (before === undefined || compare(next, before) < 0)
    )
  }
}

const types = ['boolean', 'number', 'string']

function compare(a: Scalar, b: Scalar): number {
  if (typeof a !== typeof b) return types.indexOf(typeof a) - types.indexOf(typeof b)
  return a < b ? -1 : a > b ? 1 : 0
}

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom<Scalar>(true, false, '', 'a', 'A', 'ä', 'b', '\uffff', '😀', 0.5, -0, 1e300),
  fc.double({ noNaN: true }),
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 3 }).map((units) => String.fromCharCode(...units)),
)

/** As few or as many bounds as an index of so many fields allows. */
const rangeOver = (fieldCount: number): fc.Arbitrary<IndexRange> =>
  fc
    .record({
      equals: fc.array(scalar, { maxLength: fieldCount }),
      bounds: fc.record(
        { from: scalar, after: scalar, to: scalar, before: scalar },
        { requiredKeys: [] },
      ),
      reverse: fc.boolean(),
    })
    .map(({ equals, bounds, reverse }) => ({
      equals,
      reverse,
      ...(equals.length < fieldCount ? bounds : {}),
    }))

function scan(index: OrderedIndex<Entry>, range: IndexRange, limit = Infinity): string[] {
  const keys: string[] = []
  index.scan(range, (entry) => {
    keys.push(entry.key)
    return keys.length < limit
  })
  return keys
}

const fieldNames = ['first', 'second', 'third']

/**
 * mulberry32: histories too large to be drawn one by one by fast-check come from one seed that it
 * draws.
 */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Counts how often it is asked: the tree's depth, seen from outside. */
class CountingOrder extends IndexOrder {
  asked = 0

  override compare(a: EntryView, b: EntryView): number {
    this.asked++
    return super.compare(a, b)
  }

  override isBefore(value: Value, range: IndexRange): boolean {
    this.asked++
    return super.isBefore(value, range)
  }
}

describe('an ordered index', () => {
  test('equals a sorted array after any inserts and deletes, for any range', () => {
    const history = fc.integer({ min: 1, max: 3 }).chain((fieldCount) =>
      fc.record({
        fields: fc.constant(fieldNames.slice(0, fieldCount)),
        steps: fc.array(
          fc.record({
            values: fc.tuple(scalar, scalar, scalar),
            remove: fc.option(fc.nat(), { freq: 2 }),
          }),
          { maxLength: 300, size: 'max' },
        ),
        ranges: fc.array(rangeOver(fieldCount), { minLength: 1, maxLength: 5 }),
        limit: fc.integer({ min: 1, max: 10 }),
      }),
    )
    fc.assert(
      fc.property(history, ({ fields, steps, ranges, limit }) => {
        const model = new SortedArray(fields)
        const index = new OrderedIndex<Entry>(new IndexOrder(fields))
        for (const [number, { values, remove }] of steps.entries()) {
          if (remove === null) {
            const value = Object.fromEntries(fieldNames.map((name, i) => [name, values[i]]))
            const entry = new Entry(`k${number % 7}.${number}`, value, 1, 1)
            model.entries.push(entry)
            index.insert(entry)
          } else if (model.entries.length > 0) {
            const [entry] = model.entries.splice(remove % model.entries.length, 1)
            index.delete(entry as Entry)
          }
        }
        expect(index.size).toBe(model.entries.length)
        expect(scan(index, {})).toEqual(model.scan({}))
        for (const range of ranges) {
          expect(scan(index, range)).toEqual(model.scan(range))
          expect(scan(index, range, limit)).toEqual(model.scan(range).slice(0, limit))
        }
      }),
      { numRuns: 150 },
    )
  })

  test('stays ordered, complete and shallow through thousands of inserts, moves and deletes', () => {
    const shape = fc.constantFrom('ascending', 'descending', 'random', 'equal')
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 9000 }), shape, (seed, size, arriving) => {
        const random = randomOf(seed)
        const order = new CountingOrder(['n'])
        const index = new OrderedIndex<Entry>(order)
        const place = { ascending: (i: number) => i, descending: (i: number) => -i, equal: () => 7 }
        const at = arriving === 'random' ? () => random(size) : place[arriving]
        let entries: Entry[] = []
        const add = (key: string, n: number) => {
          const entry = new Entry(key, { n }, 1, 1)
          entries.push(entry)
          index.insert(entry)
        }
        const check = () => {
          entries = entries.toSorted((a, b) => order.compare(a, b))
          expect(scan(index, {})).toEqual(entries.map(({ key }) => key))
          expect(index.size).toBe(entries.length)
          const values = entries.map(({ value }) => value.n as number)
          const somewhere = () => values[random(values.length)] ?? 0
          const first = values[0] ?? 0
          for (const from of [first - 1, first, somewhere(), somewhere(), values.at(-1) ?? 0]) {
            const to = from + random(3) * random(20)
            const found = entries.filter((_, i) => from <= values[i]! && values[i]! <= to)
            const keys = found.map(({ key }) => key)
            expect(scan(index, { from, to })).toEqual(keys)
            expect(scan(index, { from, to, reverse: true })).toEqual(keys.reverse())
          }
          order.asked = 0
          scan(index, { from: somewhere() }, 1)
          // log2 of 9,500 entries, once more per level, and the leaf that may end just before the
          // range.
          expect(order.asked).toBeLessThan(60)
        }
        for (let i = 0; i < size; i++) add(`k${random(1e9)}.${i}`, at(i))
        check()
        // Entries are objects that live on when their value changes, as in a cache.
        for (let i = 0; i < size; i++) {
          const entry = entries[random(random(4) === 0 ? 1 + random(70) : size)] ?? entries[0]!
          index.delete(entry)
          entry.value = { n: random(size) - random(size) }
          index.insert(entry)
        }
        check()
        // Down to a few: from one end, from the other, or anywhere; then up again.
        const from = random(3)
        const few = random(50)
        if (from === 0) entries.reverse()
        while (entries.length > few) {
          const [entry] = entries.splice(from < 2 ? entries.length - 1 : random(entries.length), 1)
          index.delete(entry!)
        }
        check()
        for (let i = 0; i < 500; i++) add(`again${i}`, random(size))
        check()
      }),
      { numRuns: 20 },
    )
  })

  test('shrinks as it is emptied: few entries lie in few nodes', () => {
    const order = new CountingOrder(['n'])
    const index = new OrderedIndex<Entry>(order)
    const entries = Array.from({ length: 6000 }, (_, n) => new Entry(`k${n}`, { n }, 1, 1))
    for (const entry of entries) index.insert(entry)
    for (const [n, entry] of entries.entries()) if (n % 60 !== 0) index.delete(entry)
    order.asked = 0
    expect(scan(index, { reverse: true }).length).toBe(100)
    order.asked = 0
    scan(index, { from: 0 })
    // Each node is searched once, half a dozen questions at most: a dozen nodes hold the hundred
    // entries.
    expect(order.asked).toBeLessThan(50)
    for (const [n, entry] of entries.entries()) if (n % 60 === 0 && n >= 600) index.delete(entry)
    order.asked = 0
    expect(scan(index, { from: 300 }, 1)).toEqual(['k300'])
    expect(order.asked).toBeLessThan(5)
  })

  test('goes on at any place, whether an entry is there or not', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 300 })), { maxLength: 400 }),
        fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 300 })),
        fc.boolean(),
        fc.boolean(),
        (pairs, [first, key], reverse, isIncluded) => {
          const order = new IndexOrder(['first'])
          const made = new Map(
            pairs.map(([it, id]) => [id, new Entry(`${id}`, { first: it }, 1, 1)]),
          )
          const index = OrderedIndex.of(order, made.values())
          const bound = { key: `${key}`, value: { first } }
          const wanted = [...made.values()]
            .filter((entry) => {
              const distance = (reverse ? -1 : 1) * order.compare(entry, bound)
              return isIncluded ? distance >= 0 : distance > 0
            })
            .sort((a, b) => (reverse ? -1 : 1) * order.compare(a, b))
          const found: Entry[] = []
          const visit = (entry: Entry) => found.push(entry) > 0
          index.scan({ reverse }, visit, { bound, isIncluded })
          expect(found).toEqual(wanted)
        },
      ),
      { numRuns: 300 },
    ))

  test('visits nothing behind the range, and stops when the visitor has enough', () => {
    const index = new OrderedIndex<Entry>(new IndexOrder(['n']))
    for (let n = 0; n < 1000; n++) index.insert(new Entry(`k${n}`, { n: n % 10 }, 1, 1))
    let visits = 0
    const finished = index.scan({ equals: [4] }, () => ++visits > 0)
    expect([finished, visits]).toEqual([true, 100])
    expect(index.scan({ equals: [4] }, () => ++visits < 103)).toBe(false)
    expect(visits).toBe(103)
    expect(index.scan({ equals: [4], reverse: true }, () => false)).toBe(false)
    expect(index.scan({ equals: [11] }, () => false)).toBe(true)
  })

  test('refuses to delete an entry that is not in it, and stays whole', () => {
    const index = new OrderedIndex<Entry>(new IndexOrder(['n']))
    for (let n = 0; n < 200; n++) index.insert(new Entry(`k${n}`, { n }, 1, 1))
    expect(() => index.delete(new Entry('k7', { n: 7 }, 1, 1))).toThrow('entry k7')
    expect(() => index.delete(new Entry('other', { n: 7 }, 1, 1))).toThrow('entry other')
    expect([index.size, scan(index, {}).length]).toEqual([200, 200])
  })
})

describe('an index order', () => {
  test('is total over every scalar: antisymmetric, transitive, the key deciding last', () => {
    const entry = fc
      .tuple(fc.string({ minLength: 1, maxLength: 2 }), scalar)
      .map(([key, n]) => new Entry(key, { n }, 1, 1))
    const order = new IndexOrder(['n'])
    fc.assert(
      fc.property(entry, entry, entry, (a, b, c) => {
        expect(Math.sign(order.compare(a, b))).toBe(0 - Math.sign(order.compare(b, a)))
        if (order.compare(a, b) <= 0 && order.compare(b, c) <= 0)
          expect(order.compare(a, c)).toBeLessThanOrEqual(0)
        if (order.compare(a, b) === 0)
          expect([a.key, a.value.n === b.value.n]).toEqual([b.key, true])
      }),
      { numRuns: 1000 },
    )
  })

  test('covers entries with an orderable value in every field, and no others', () => {
    const order = new IndexOrder(['a', 'b'])
    for (const b of [0, -0, Infinity, '', false]) expect(order.covers({ a: 1, b })).toBe(true)
    // NaN has no place in any order: an entry with it could not be found again.
    for (const b of [undefined, null, NaN, [1], { c: 1 }, new Date(0)])
      expect(order.covers({ a: 1, b })).toBe(false)
    expect(order.covers({ b: 1 })).toBe(false)
  })
})
