import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromDocument, toDocument } from '../../drivers/mongodb/mongo-document.ts'
import { decodeEntry, encodeEntry } from '../wire/entry-codec.ts'
import { fingerprintOf } from './fingerprint.ts'

const value = fc
  .dictionary(
    fc.string(),
    fc.oneof(
      fc.jsonValue() as fc.Arbitrary<unknown>,
      fc.uint8Array(),
      fc.constantFrom<unknown>(0, -0, true, '', null, 1e300),
    ),
    { noNullPrototype: true },
  )
  // No value in memory has such a field: the records of the log do not carry it.
  .filter((fields) => !JSON.stringify(fields).includes('__proto__'))

test('copies that went through MongoDB, Redis or the embedded store have the same', () => {
  fc.assert(
    fc.property(value, fc.nat(), (fields, version) => {
      const print = fingerprintOf(version, fields)
      const entry = { cache: 'c', key: 'k', value: fields, version, position: 1 }
      expect(fingerprintOf(version, decodeEntry('c', 'k', encodeEntry(entry)).value)).toBe(print)
      expect(fingerprintOf(version, fromDocument('c', toDocument(entry)).value)).toBe(print)
      const reversed = Object.fromEntries(Object.entries(fields).reverse())
      expect(fingerprintOf(version, { ...reversed, nothing: undefined })).toBe(print)
    }),
  )
})

test('anything else that differs shows', () => {
  const values: unknown[] = [
    ...[{}, { a: 1 }, { a: 2 }, { b: 1 }, { a: '1' }, { a: true }, { a: null }, { a: 0 }],
    ...[{ a: [] }, { a: {} }, { a: [1, 2] }, { a: [2, 1] }, { a: [[1], 2] }, { a: [1, [2]] }],
    ...[{ a: { b: 1 } }, { a: 1, b: 1 }, { a: '' }, { a: new Uint8Array(1) }],
    ...[{ a: new Uint8Array(2) }, { a: 1.5 }, { a: -1 }, { a: 'b' }, { b: 'a' }],
  ]
  expect(new Set(values.map((one) => fingerprintOf(1, one))).size).toBe(values.length)
  expect(fingerprintOf(2, {})).not.toBe(fingerprintOf(1, {}))
})
