import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Scalar } from './data-types.ts'
import { Entry } from './entry.ts'
import { IndexOrder } from './index-order.ts'
import { OrderedIndex } from './ordered-index.ts'
import { sortEntries } from './sort-entries.ts'

/**
 * Few different values, so that many entries are alike; and of each kind that has a way of its own.
 */
const fields: Readonly<Record<string, fc.Arbitrary<Scalar>>> = {
  small: fc.integer({ min: -2, max: 2 }),
  time: fc.integer({ min: 0, max: 4e12 }),
  far: fc.constantFrom(-(2 ** 53), 2 ** 53, -1, 0, -0, 2 ** 32, 2 ** 32 - 1),
  fraction: fc.constantFrom(0.5, -0.5, 1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  text: fc.constantFrom('', 'a', 'A', 'ä', '\uffff', '😀', '\ud800'),
  mixed: fc.constantFrom<Scalar>(true, false, 0, 1, '0', '', 'a', -1.5),
}
const names = Object.keys(fields)

// More than are compared one by one: repeated, with keys of their own.
const manyEntries = fc.array(fc.record(fields), { minLength: 1, maxLength: 60 }).map((values) =>
  Array.from({ length: 1500 }, (_, i) => {
    const value = values[(i * 7919) % values.length] as Record<string, Scalar>
    return new Entry(`k${(i * 104_729) % 1500}`, value, i, 1)
  }),
)
const order = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })

describe('many entries sorted at once', () => {
  test('are in the order in which comparing them puts them', () => {
    fc.assert(
      fc.property(manyEntries, order, (entries, fields) => {
        const by = new IndexOrder(fields)
        const compared = [...entries].sort((a, b) => by.compare(a, b))
        expect(sortEntries(entries, by).map(({ key }) => key)).toEqual(
          compared.map(({ key }) => key),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('make the index that inserting them makes, and it can be changed', () => {
    fc.assert(
      fc.property(manyEntries, order, fc.nat(), (entries, fields, from) => {
        const by = new IndexOrder(fields)
        const index = OrderedIndex.of(by, entries)
        const inserted = new OrderedIndex<Entry>(by)
        for (const entry of entries) inserted.insert(entry)
        for (let i = from % 1500; i < 1500; i += 3) {
          index.delete(entries[i] as Entry)
          inserted.delete(entries[i] as Entry)
        }
        const more = new Entry('more', (entries[0] as Entry).value, 1, 1)
        index.insert(more)
        inserted.insert(more)
        expect(index.size).toBe(inserted.size)
        expect(keysOf(index)).toEqual(keysOf(inserted))
      }),
      { numRuns: 30 },
    )
  })

  test('leave out what the index does not cover', () => {
    const entries = [{ a: 1 }, {}, { a: Number.NaN }, { a: null }, { a: 'x' }].map(
      (value, i) => new Entry(`${i}`, value, 1, 1),
    )
    expect(keysOf(OrderedIndex.of(new IndexOrder(['a']), entries))).toEqual(['0', '4'])
    expect(OrderedIndex.of(new IndexOrder(['a']), []).size).toBe(0)
  })
})

function keysOf(index: OrderedIndex<Entry>): string[] {
  const keys: string[] = []
  index.scan({}, ({ key }) => keys.push(key) > 0)
  return keys
}
