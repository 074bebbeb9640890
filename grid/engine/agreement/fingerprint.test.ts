import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashString, mix53, mix53With } from '../../core/hash.ts'
import { fromDocument, toDocument } from '../../drivers/mongodb/mongo-document.ts'
import { decodeEntry, encodeEntry } from '../wire/entry-codec.ts'
import { bytesOf, type NumberArray, numberArrayKind } from '../wire/number-arrays.ts'
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

// docs/decisions/0017: hashes stand in data that outlives the version that has computed them.
test('it is the number that whole numbers would come to', () => {
  const deep = fc.object({
    withDate: true,
    withTypedArray: true,
    withUnicodeString: true,
    maxDepth: 4,
  })
  fc.assert(
    fc.property(deep, fc.maxSafeNat(), (data, version) => {
      expect(fingerprintOf(version, data)).toBe(mix53(version, plainHash(data), 0x2c1b3c6d))
    }),
    { numRuns: 200 },
  )
})

test('a number that was stored once stays', () => {
  const value = { name: 'Ada', n: 1815, list: [1, 'two', { three: 3 }], yes: true, none: null }
  expect(fingerprintOf(42, value)).toBe(8460771485934300)
})

/** As it was first written down: slow, and short. */
function plainHash(value: unknown): number {
  if (typeof value === 'string') return mix53(hashString(value), 1, 0)
  if (typeof value === 'number') return plainNumber(value, 7)
  if (typeof value === 'boolean') return value ? 3 : 2
  if (value === null) return 4
  if (typeof value !== 'object') return mix53(hashString(String(value)), 6, 0)
  if (Array.isArray(value))
    return value.reduce<number>((hash, item) => mix53With(hash, plainHash(item), 5), 5)
  if (value instanceof Date) return plainNumber(value.getTime(), 12)
  if (ArrayBuffer.isView(value)) return plainBytes(value as NumberArray)
  let sum = 0
  for (const [name, field] of Object.entries(value))
    if (field !== undefined)
      sum = (sum + (mix53With(hashString(name), plainHash(field), 9) % 2 ** 52)) % 2 ** 52
  return mix53(sum, 10, 0)
}

function plainNumber(value: number, salt: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value === 0 ? 0 : value)
  return mix53(view.getUint32(0), view.getUint32(4), salt)
}

function plainBytes(value: NumberArray): number {
  let hash = value.byteLength + 1 + 2 ** 40 * (numberArrayKind(value) ?? 100)
  for (const byte of bytesOf(value)) hash = mix53(hash, byte, 8)
  return hash
}
