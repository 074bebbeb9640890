import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../core/data-types.ts'
import { type Hold, holdValue, isKeepable, readHold } from '../../core/hold.ts'
import { holdWeightMax } from '../../core/limits.ts'
import { arbitraryValue, put } from '../../kit/store-conformance.ts'
import { type EntryDocument, fromDocument, toDocument } from './mongo-document.ts'

/** Through the driver's own format and back, as through a server. */
const transported = (document: EntryDocument): EntryDocument =>
  BSON.deserialize(BSON.serialize(document, { ignoreUndefined: true })) as EntryDocument

describe('an entry as a MongoDB document', () => {
  test('comes back as it was, whatever its fields are called', { timeout: 30_000 }, () => {
    const awkward = [
      ...['_id', '_grid', '~', '~~', '~_id', '$', '$set', 'a.b', '.', '_bsontype', '$ref', '$id'],
      ...['toString', 'hasOwnProperty', 'valueOf', 'length', '__v', '$db', '$numberLong', 'toBSON'],
    ]
    fc.assert(
      fc.property(arbitraryValue(awkward), (value) => {
        const change = put('key', value, 7)
        deepStrictEqual(fromDocument(change.cache, transported(toDocument(change))), change)
      }),
      { numRuns: 500 },
    )
  })

  // docs/decisions/0033: what is held is an entry like any other.
  test('of what is held comes back as it was, and the heaviest fits', { timeout: 30_000 }, () => {
    const holdOf = (value: Value) =>
      holdValue({
        ...{ attempt: 'one', partition: 1, coordinator: 0, participants: [0, 1] },
        ...{ notAfter: 1e12, key: 'k', since: 1e12, id: 2 ** 52 + 1, reads: [[4, 'a']] },
        ranges: [{ cache: 4, index: 0, range: { equals: ['$a', true], limit: 3 } }],
        writes: [
          { cache: 4, key: 'x', value, version: 2 ** 52 + 3 },
          { cache: 4, key: 'y', value: undefined, version: 1 },
        ],
        events: [{ name: 'paid', payload: value }],
      })
    const names = ['_id', '$set', 'a.b', '.', '__proto__', 'toBSON']
    fc.assert(
      fc.property(arbitraryValue(names), (value) => {
        const change = put('one', holdOf(value), 7)
        const back = fromDocument(change.cache, transported(toDocument(change)))
        deepStrictEqual(back, change)
        expect(readHold(back.value)?.writes).toEqual(readHold(change.value as Value)?.writes)
      }),
      { numRuns: 200 },
    )
    const heaviest = { list: Array.from({ length: holdWeightMax / 100 }, (_, n) => n + 0.5) }
    const hold = holdOf(heaviest)
    expect(isKeepable(readHold(hold) as Hold, hold)).toBe(true)
    const size = BSON.calculateObjectSize(toDocument(put('one', hold, 7)))
    expect(size).toBeLessThan(16 * 1024 * 1024)
  })

  // docs/decisions/0017
  test('that was changed is none', () => {
    const document = toDocument(put('key', { text: 'a', list: [1, 2] }, 7))
    expect(fromDocument('seats', document).value).toEqual({ text: 'a', list: [1, 2] })
    const { text: _, ...missing } = document
    const { hash: __, ...unhashed } = document._grid
    const changed = [
      ...[
        { ...document, text: 'b' },
        { ...document, list: [2, 1] },
        { ...document, more: null },
      ],
      ...[missing, { ...document, _id: 'other' }, { ...document, _grid: undefined }],
      { ...document, _grid: { ...document._grid, position: 8 } },
    ]
    for (const one of changed)
      expect(() => fromDocument('seats', one as EntryDocument)).toThrow(/as the grid has written/)
    expect(() => fromDocument('other', document)).toThrow(/as the grid has written/)
    // As an earlier version has written it.
    expect(fromDocument('seats', { ...document, _grid: unhashed }).position).toBe(7)
  })

  test('keeps the names of plain fields, and only those', () => {
    const value = { plain: 1, 'a.b': 2, _id: 3, nested: [{ $set: 4, _id: 5 }] }
    const { _id, _grid, ...fields } = toDocument(put('key', value, 7))
    expect(_id).toBe('key')
    expect(_grid).toEqual({ position: 7, version: 2 ** 53 - 8, hash: expect.any(Number) })
    expect(fields).toEqual({ plain: 1, 'a.b': 2, '~_id': 3, nested: [{ '~$set': 4, _id: 5 }] })
  })

  test('costs nothing where there is nothing to escape', () => {
    const value = { list: [1, { deep: ['a'] }], bytes: new Uint8Array([1]) }
    const document = toDocument(put('key', value, 7))
    expect(document.list).toBe(value.list)
    expect(document.bytes).toBe(value.bytes)
  })
})
