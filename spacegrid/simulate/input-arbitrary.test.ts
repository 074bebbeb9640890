import { Type } from '@spacegrid/grid/core/define'
import { fitProblem } from '@spacegrid/grid/core/validation'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { expect, test } from 'vitest'
import { InputArbitraries } from './input-arbitrary.ts'
import { ValuePool } from './value-pool.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const now = Date.UTC(2026, 0, 1)

const poolOf = (seed: number) => new ValuePool(new SeededRandom(seed), () => now)
const sample = (schema: TSchema, pool = poolOf(seed), numRuns = 200) =>
  fc.sample(new InputArbitraries(pool).of(schema), { seed, numRuns })

const schemas: Readonly<Record<string, TSchema>> = {
  texts: Type.Object({
    id: Type.String(),
    short: Type.String({ minLength: 2, maxLength: 5 }),
    code: Type.String({ pattern: '^[A-Z]{2}-\\d{1,3}$' }),
    email: Type.String({ format: 'email' }),
    day: Type.String({ format: 'date' }),
    uuid: Type.String({ format: 'uuid' }),
  }),
  numbers: Type.Object({
    free: Type.Integer(),
    few: Type.Integer({ minimum: 2, maximum: 4 }),
    above: Type.Integer({ exclusiveMinimum: 10 }),
    even: Type.Integer({ multipleOf: 2, minimum: 4, maximum: 12 }),
    price: Type.Number({ minimum: 0, maximum: 2 }),
    endsAt: Type.Integer({ minimum: 0 }),
    holdMs: Type.Integer({ minimum: 10 }),
  }),
  choices: Type.Object({
    kind: Type.Union([Type.Literal('a'), Type.Literal('b'), Type.Null()]),
    color: Type.Enum({ red: 'red', green: 'green' }),
    either: Type.Union([Type.String(), Type.Integer(), Type.Object({ deep: Type.Boolean() })]),
  }),
  lists: Type.Object({
    tags: Type.Array(Type.String(), { minItems: 1, maxItems: 3 }),
    unique: Type.Array(Type.Integer({ minimum: 0, maximum: 9 }), { uniqueItems: true }),
    pair: Type.Tuple([Type.String(), Type.Integer()]),
  }),
  objects: Type.Object({
    maybe: Type.Optional(Type.String()),
    deep: Type.Object({ at: Type.Object({ x: Type.Number(), y: Type.Number() }) }),
    byName: Type.Record(Type.String(), Type.Integer()),
    both: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Integer() })]),
    any: Type.Unknown(),
  }),
}

test.each(Object.entries(schemas))(`inputs fit their schema: %s (SEED=${seed})`, (_, schema) => {
  for (const value of sample(schema)) expect(fitProblem(schema, value)).toBeUndefined()
})

test(`whatever a schema allows comes up (SEED=${seed})`, () => {
  const schema = Type.Object({
    few: Type.Integer({ minimum: 2, maximum: 4 }),
    kind: Type.Union([Type.Literal('a'), Type.Literal('b')]),
    maybe: Type.Optional(Type.Boolean()),
  })
  const values = sample(schema) as { few: number; kind: string; maybe?: boolean }[]
  const seen = <T>(of: (value: (typeof values)[number]) => T) => new Set(values.map(of))
  expect(seen(({ few }) => few)).toEqual(new Set([2, 3, 4]))
  expect(seen(({ kind }) => kind)).toEqual(new Set(['a', 'b']))
  expect(seen(({ maybe }) => maybe)).toEqual(new Set([undefined, true, false]))
})

test(`texts meet again, and what was told is used (SEED=${seed})`, () => {
  const pool = poolOf(seed)
  const schema = Type.Object({ orderId: Type.String() })
  const first = sample(schema, pool) as { orderId: string }[]
  expect(new Set(first.map(({ orderId }) => orderId)).size).toBeLessThanOrEqual(pool.size)
  pool.learn('placeOrder', { orderIds: ['order-17'], paid: true })
  expect(sample(schema, pool)).toContainEqual({ orderId: 'order-17' })
})

test('a schema that nothing can be made from is told', () => {
  const schema = Type.Object({ next: Type.Ref('Node') })
  expect(() => new InputArbitraries(poolOf(1)).of(schema)).toThrow('generator of its own')
})
