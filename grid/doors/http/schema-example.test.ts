import { Chances } from '@spacegrid/runtime/test-support/any-value'
import { type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'
import { expect, test } from 'vitest'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { schemaExample } from './schema-example.ts'

test('is made of what a schema declares, and of what its types say', () => {
  const seat = Type.Object({
    seatId: Type.String({ examples: ['A-1-12'] }),
    row: Type.Integer({ minimum: 1 }),
    status: Type.Enum(['free', 'held']),
    from: Type.String({ format: 'date-time' }),
    note: Type.Optional(Type.String()),
  })
  const schema = Type.Object({ name: Type.String(), seats: Type.Array(seat) })
  expect(schemaExample(schema)).toEqual({
    name: 'name',
    seats: [{ seatId: 'A-1-12', row: 1, status: 'free', from: '2030-06-01T20:00:00Z' }],
  })
})

test.each([
  ['a pattern that nothing is known of', Type.String({ pattern: '^[0-9]{4}$' })],
  ['an example that does not fit', Type.Integer({ examples: ['one'] })],
  ['a reference', { $ref: 'Nowhere' }],
  ['nothing', Type.Never()],
])('there is none of %s', (_what, schema) => {
  expect(schemaExample(schema)).toBeUndefined()
})

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

test(`whatever the schema, an example fits it (seed ${seed})`, () => {
  const chances = new Chances(new SeededRandom(seed))
  const leaves = [
    () => Type.String({ minLength: 3 }),
    () => Type.String({ maxLength: 2 }),
    () => Type.Integer({ exclusiveMinimum: 7, maximum: 8 }),
    () => Type.Number({ multipleOf: 3 }),
    () => Type.Boolean(),
    () => Type.Null(),
    () => Type.Literal('a'),
    () => Type.Any(),
  ]
  const any = (depth: number): TSchema =>
    depth === 0 || chances.in(2)
      ? chances.oneOf(leaves)()
      : chances.oneOf<() => TSchema>([
          () => Type.Object({ a: any(depth - 1), b: Type.Optional(any(depth - 1)) }),
          () => Type.Array(any(depth - 1), { minItems: 2 }),
          () => Type.Tuple([any(depth - 1), any(depth - 1)]),
          () => Type.Union([any(depth - 1), any(depth - 1)]),
          () => Type.Record(Type.String(), any(depth - 1)),
        ])()
  let made = 0
  for (let round = 0; round < 500; round++) {
    const schema = any(4)
    const example = schemaExample(schema)
    if (example === undefined) continue
    made++
    expect(Check(schema, example)).toBe(true)
  }
  expect(made).toBeGreaterThan(100)
})
