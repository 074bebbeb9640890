import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineCache, Type } from './define.ts'
import { GridError } from './errors.ts'
import { keyBytesMax } from './limits.ts'
import { checkFits, checkKey, type FieldError, isKey } from './validation.ts'

const { schema } = defineCache('orders', {
  schema: Type.Object({
    id: Type.String({ minLength: 1 }),
    amount: Type.Optional(Type.Integer({ minimum: 1 })),
    tags: Type.Optional(Type.Array(Type.String(), { maxItems: 20 })),
    buyer: Type.Optional(Type.Object({ name: Type.String(), 'e/mail~': Type.String() })),
    kind: Type.Optional(Type.Literal('sale')),
    both: Type.Optional(
      Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })]),
    ),
  }),
  key: 'id',
})

function problem(value: unknown): GridError {
  try {
    checkFits(schema, value, 'cache orders')
  } catch (error) {
    if (error instanceof GridError) return error
    throw error
  }
  throw new Error('it fits')
}

describe('a value that does not fit its schema', () => {
  const buyer = { name: 'x', 'e/mail~': 'y' }

  test.each<[string, unknown, FieldError]>([
    ['a missing field', {}, { path: 'id', message: 'is required' }],
    ['a field of another type', { id: 5 }, { path: 'id', message: 'must be string' }],
    [
      'a misspelt field',
      { id: 'a', amuont: 1 },
      { path: 'amuont', message: 'is not a known field' },
    ],
    [
      'a field of a field',
      { id: 'a', buyer: { ...buyer, name: 1 } },
      { path: 'buyer.name', message: 'must be string' },
    ],
    [
      'a missing field of a field',
      { id: 'a', buyer: { name: 'x' } },
      { path: 'buyer.e/mail~', message: 'is required' },
    ],
    [
      'a field with a pointer in its name',
      { id: 'a', buyer: { ...buyer, 'e/mail~': 1 } },
      { path: 'buyer.e/mail~', message: 'must be string' },
    ],
    [
      'a misspelt field of a field',
      { id: 'a', buyer: { ...buyer, age: 1 } },
      { path: 'buyer.age', message: 'is not a known field' },
    ],
    [
      'a misspelt field of an intersection',
      { id: 'a', both: { a: '1', b: '2', c: '3' } },
      { path: 'both.c', message: 'is not a known field' },
    ],
    ['an item', { id: 'a', tags: ['x', 2] }, { path: 'tags.1', message: 'must be string' }],
    ['a bound', { id: 'a', amount: 0 }, { path: 'amount', message: 'must be >= 1' }],
    [
      'a number that is none',
      { id: 'a', amount: NaN },
      { path: 'amount', message: 'must be integer' },
    ],
    ['a constant', { id: 'a', kind: 'gift' }, { path: 'kind', message: 'must be "sale"' }],
    ['the whole', null, { path: '', message: 'must be object' }],
  ])('is told with the path of %s', (_, value, expected) => {
    const error = problem(value)
    expect(error.code).toBe('invalid_input')
    expect(error.details.errors).toEqual([expected])
    expect(error.message).toBe(`cache orders: ${`${expected.path} ${expected.message}`.trim()}`)
  })

  test('is told with every problem, ten at most', () => {
    const paths = (value: unknown) =>
      (problem(value).details.errors as FieldError[]).map(({ path }) => path)
    expect(paths({ id: '', amount: 0.5, extra: 1 }).sort()).toEqual([
      'amount',
      'amount',
      'extra',
      'id',
    ])
    const many = paths({ id: 'a', tags: Array.from({ length: 15 }, () => 5) })
    expect(many[0]).toBe('tags.0')
    expect(many.length).toBeLessThanOrEqual(10)
  })
})

test('a value fits when its optional fields are there, missing or undefined', () => {
  expect(() => checkFits(schema, { id: 'a', amount: undefined }, '')).not.toThrow()
  expect(() => checkFits(schema, { id: 'a', amount: 2, kind: 'sale' }, '')).not.toThrow()
})

describe('a primary key', () => {
  test.each<[string, unknown, string]>([
    ['empty', '', 'must not be empty'],
    ['not a string', 5, 'must be a string'],
    ['missing', undefined, 'must be a string'],
    ['with U+0000', 'a\0b', 'U+0000'],
    ['with half a character', 'a\ud83d', 'well-formed'],
    ['with the halves of a character swapped', '\ude00\ud83d', 'well-formed'],
    ['longer than its bytes allow', 'x'.repeat(keyBytesMax + 1), 'longer than 1024 bytes'],
    ['longer in UTF-8 than it looks', '€'.repeat(342), 'longer than 1024 bytes'],
  ])('is refused when it is %s', (_, key, reason) => {
    expect(() => checkKey(key, 'cache orders')).toThrow('cache orders: a key must')
    expect(() => checkKey(key, 'cache orders')).toThrow(reason)
    expect(isKey(key)).toBe(false)
  })

  test('may be as long as its limit, in bytes', () => {
    for (const key of ['x'.repeat(1024), '€'.repeat(341), '😀'.repeat(256)])
      expect(() => checkKey(key, '')).not.toThrow()
  })

  test('may be any Unicode that survives UTF-8', () => {
    const any = fc.oneof(
      fc
        .array(fc.nat({ max: 0x10ffff }), { minLength: 1 })
        .map((points) => String.fromCodePoint(...points)),
      fc.array(fc.nat({ max: 0xffff }), { minLength: 1 }).map((c) => String.fromCharCode(...c)),
      fc.integer({ min: 300, max: 1100 }).map((length) => 'é'.repeat(length)),
    )
    fc.assert(
      fc.property(any, (key) => {
        const bytes = new TextEncoder().encode(key)
        const survives = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) === key
        expect(isKey(key)).toBe(survives && bytes.length <= keyBytesMax && !key.includes('\0'))
      }),
    )
  })
})
