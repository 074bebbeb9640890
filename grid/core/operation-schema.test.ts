import { describe, expect, test } from 'vitest'
import { defineCache, Type } from './define.ts'
import { Misuse } from './misuse.ts'
import { appendedItems, incrementBounds, takenPatch } from './operation-schema.ts'
import type { AnyCache } from './transaction.ts'

const cacheOf = (field: object, object: Record<string, unknown> = {}): AnyCache =>
  defineCache('things', {
    schema: Type.Object({ id: Type.String(), it: field as ReturnType<typeof Type.Any> }, object),
    key: 'id',
  })
const biggest = Number.MAX_SAFE_INTEGER

describe('an increment', () => {
  test.each<[string, object, number, object, object]>([
    ['of a number', Type.Number(), 0.5, {}, { max: biggest }],
    ['of an integer', Type.Integer(), -1, {}, { min: -biggest }],
    ['of an optional field', Type.Optional(Type.Integer()), 1, {}, { max: biggest }],
    ['within the schema', Type.Integer({ minimum: 0, maximum: 9 }), 1, {}, { min: 0, max: 9 }],
    [
      'within exclusive bounds',
      Type.Integer({ exclusiveMinimum: 0, exclusiveMaximum: 9 }),
      1,
      {},
      { min: 1, max: 8 },
    ],
    [
      'within what the caller asks',
      Type.Integer({ minimum: 0 }),
      1,
      { max: 5 },
      { min: 0, max: 5 },
    ],
    ['where the schema asks more', Type.Integer({ maximum: 3 }), 1, { max: 5 }, { max: 3 }],
    ['by a multiple', Type.Integer({ multipleOf: 5 }), -10, { min: 0 }, { min: 0 }],
  ])('%s has bounds', (_, field, by, options, bounds) => {
    const { min, max } = incrementBounds(cacheOf(field), 'it', by, options)
    expect({ min, max }).toEqual({ min: undefined, max: undefined, ...bounds })
  })

  test.each<[string, object, unknown]>([
    ['of a text', Type.String(), 1],
    ['of anything', Type.Any(), 1],
    ['of an enum', Type.Union([Type.Literal(1), Type.Literal(2)]), 1],
    ['of a literal', Type.Literal(1), 1],
    ['of a refined number', Type.Refine(Type.Integer(), (n) => n % 2 === 0), 2],
    ['of a nullable number', Type.Unsafe({ type: ['integer', 'null'] }), 1],
    ['of an integer by a fraction', Type.Integer(), 0.5],
    ['of an integer by more than it can be', Type.Integer(), 2 ** 53],
    ['by no number', Type.Number(), Number.NaN],
    ['by a text', Type.Number(), '1'],
    ['off the multiples', Type.Integer({ multipleOf: 5 }), 3],
    ['of multiples of a fraction', Type.Number({ multipleOf: 0.1 }), 0.1],
    ['of a number with an exclusive bound', Type.Number({ exclusiveMinimum: 0 }), 1],
  ])('%s is refused', (_, field, by) => {
    expect(() => incrementBounds(cacheOf(field), 'it', by as number, {})).toThrow(Misuse)
  })

  test('of the key, an unknown field, or with bounds that are none is refused', () => {
    const cache = cacheOf(Type.Integer())
    for (const field of ['id', 'other', 'toString', undefined])
      expect(() => incrementBounds(cache, field as string, 1, {})).toThrow(Misuse)
    for (const bound of [null, '1', Number.NaN])
      expect(() => incrementBounds(cache, 'it', 1, { min: bound as number })).toThrow('min must be')
  })

  test('of an entry that is asked something as a whole is refused', () => {
    for (const whole of [
      { minProperties: 1 },
      { dependentRequired: { it: ['id'] } },
      { anyOf: [{ required: ['it'] }] },
      { patternProperties: { '^i': { type: 'integer' } } },
    ]) {
      const cache = cacheOf(Type.Integer(), whole)
      expect(() => incrementBounds(cache, 'it', 1, {})).toThrow('is about the whole entry')
    }
    const schema = Type.Object({ id: Type.String(), it: Type.Integer() })
    const refined = Type.Refine(schema, () => true) as unknown as typeof schema
    const cache = defineCache('things', { schema: refined, key: 'id' })
    expect(() => incrementBounds(cache, 'it', 1, {})).toThrow('~refine is about the whole entry')
  })
})

describe('an append', () => {
  const texts = Type.Array(Type.String({ maxLength: 3 }), { maxItems: 4 })

  test('takes items of the list, and no more than it holds', () => {
    const cache = cacheOf(texts)
    expect(appendedItems(cache, 'it', ['a'], undefined)).toEqual({ bytes: 3, items: ['a'], max: 4 })
    expect(appendedItems(cache, 'it', ['a'], 2).max).toBe(2)
    expect(appendedItems(cache, 'it', ['a'], 9).max).toBe(4)
    const items = ['a']
    const taken = appendedItems(cacheOf(Type.Array(Type.Any())), 'it', items, undefined)
    items.push('b')
    expect(taken).toMatchObject({ items: ['a'], max: undefined })
  })

  test.each<[string, object, unknown, string]>([
    ['of another type', texts, [5], 'it.0 must be string'],
    ['too long', texts, ['a', 'long'], 'it.1 must not have more than 3 characters'],
    ['that are no list', texts, 7, 'takes a list of items, not 7'],
    ['that are not there', texts, undefined, 'takes a list of items, not undefined'],
    ['that cannot be kept', Type.Array(Type.Any()), [{ n: 5n }], 'it.0.n is a bigint'],
    ['to a tuple', Type.Tuple([Type.Any()]), ['a'], 'it has additionalItems'],
    ['to a set', Type.Array(Type.Any(), { uniqueItems: true }), ['a'], 'it has uniqueItems'],
    ['to a text', Type.String(), ['a'], 'it is no list'],
    [
      'too few for a list',
      Type.Optional(Type.Array(Type.Any(), { minItems: 2 })),
      [1],
      'at least 2',
    ],
  ])('of items %s is refused', (_, field, items, message) => {
    const append = () => appendedItems(cacheOf(field), 'it', items as unknown[], undefined)
    expect(append).toThrow(Misuse)
    expect(append).toThrow(message)
  })

  test('with a length that is none is refused', () => {
    for (const max of [-1, Number.NaN, '5', null])
      expect(() => appendedItems(cacheOf(texts), 'it', [], max as number)).toThrow('max must be')
  })
})

describe('a patch', () => {
  const optional = Type.Optional(Type.Union([Type.Literal('free'), Type.Literal('held')]))

  test('has fields that fit theirs, and takes away those that need not be there', () => {
    expect(takenPatch(cacheOf(optional), { it: 'free' })).toEqual({ it: 'free' })
    expect(Object.keys(takenPatch(cacheOf(optional), { it: undefined }))).toEqual(['it'])
  })

  test.each<[string, object, unknown, string]>([
    ['a value that does not fit', optional, { it: 'sold' }, 'things: it '],
    ['an unknown field', optional, { other: 1 }, 'has no field "other"'],
    ['the key', optional, { id: 'b' }, 'id is the key'],
    ['a required field taken away', Type.String(), { it: undefined }, 'it is required'],
    ['what cannot be kept', Type.Any(), { it: new Map() }, 'it is a Map'],
    ['the prototype of something', optional, JSON.parse('{"__proto__":1}'), 'has no field'],
    ['nothing', optional, null, 'a patch cannot be null'],
    ['a list', optional, ['free'], 'a patch cannot be a list'],
    ['a map', optional, new Map(), 'a patch cannot be a object'],
  ])('with %s is refused', (_, field, patch, message) => {
    expect(() => takenPatch(cacheOf(field), patch)).toThrow(Misuse)
    expect(() => takenPatch(cacheOf(field), patch)).toThrow(message)
  })
})
