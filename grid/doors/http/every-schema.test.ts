import { Chances } from '@spacegrid/runtime/test-support/any-value'
import type { TSchema } from 'typebox'
import { Create } from 'typebox/value'
import { expect, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from '../../core/define.ts'
import type { AnyCommand, AnyQuery } from '../../core/definition.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { serveSpace } from '../nats/space-services.ts'
import { createHttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const schemas = Number(process.env.FUZZ_RUNS ?? 80)
/** As many as one space has commands, queries and caches each. */
const schemasPerSpace = 500

const node = Type.Cyclic({ Node: Type.Object({ in: Type.Array(Type.Ref('Node')) }) }, 'Node')
const a = Type.Object({ a: Type.Optional(Type.Integer()) })
const b = Type.Object({ b: Type.Optional(Type.String()) })

const leaves: readonly (() => TSchema)[] = [
  () => Type.String(),
  () => Type.String({ format: 'date-time', default: '2030-01-01T00:00:00Z' }),
  () => Type.String({ pattern: '^[a-z]*$' }),
  () => Type.Integer({ minimum: 3, default: 5 }),
  () => Type.Number(),
  () => Type.Boolean(),
  () => Type.Null(),
  () => Type.Any(),
  () => Type.Unknown(),
  () => Type.Literal('a'),
  () => Type.Literal(7),
  () => Type.Enum(['x', 'y']),
  () => Type.TemplateLiteral([Type.Literal('a-'), Type.String()]),
  () => Type.Refine(Type.Integer({ minimum: 0 }), (it) => it >= 0),
  () => Type.Unsafe({ type: ['string', 'null'] }),
  () => Type.Unsafe({ type: 'object' }),
  () => Type.Unsafe({ enum: [1, 'b', null] }),
  () => Type.Unsafe({ type: 'string', 'x-shown': { as: 'title' } }),
  () => Type.Unsafe({ type: 'string', nullable: true }),
  () => node,
  () => Type.Pick(Type.Object({ a: Type.Integer(), b: Type.String() }), ['b']),
  () => Type.Intersect([a, b]),
  () => Type.Refine(a, () => true),
  () => Type.Object({ a: Type.Integer() }, { $id: 'Shared' }),
  () => Type.Object({ a: Type.Integer() }, { additionalProperties: true }),
  () => Type.Unsafe(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"integer"}}}')),
  // What cannot be kept, told, or compiled.
  ...[Type.BigInt, Type.Symbol, Type.Undefined, Type.Void, Type.Never].map((it) => () => it()),
  () => Type.Function([], Type.Integer()),
  () => Type.Ref('Nowhere'),
  () => Type.Unsafe({ type: 'money' }),
  () => Type.Unsafe({ type: 'string', pattern: '(' }),
  () => Type.Unsafe({ const: 5n }),
  () => Type.Unsafe({ type: 'string', default: () => 'made' }),
]

function anySchema(chances: Chances, depth: number): TSchema {
  if (depth === 0 || chances.in(2)) return chances.oneOf(leaves)()
  const inner = () => anySchema(chances, depth - 1)
  return chances.oneOf<() => TSchema>([
    () => Type.Object({ a: inner(), b: Type.Optional(inner()) }),
    () => Type.Array(inner()),
    () => Type.Array(inner(), { uniqueItems: true }),
    () => Type.Tuple([inner(), inner()]),
    () => Type.Union([inner(), inner()]),
    () => Type.Record(Type.String(), inner()),
    () => Type.Optional(inner()),
  ])()
}

/** A value of the schema; undefined where none can be made up. */
function madeFor(schema: TSchema): unknown {
  try {
    return Create<TSchema>(schema)
  } catch {
    return undefined // Patterns and references: their schemas are defined and served all the same.
  }
}

const refusals = { count: 0 }
function declared<T>(declare: () => T): T | undefined {
  try {
    return declare()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    refusals.count++
    return undefined
  }
}

const isThere = <T>(it: T | undefined): it is T => it !== undefined

/** What a definition takes, every door takes; and what a result is, is what the caller gets. */
async function serveAll(chances: Chances, count: number): Promise<void> {
  refusals.count = 0
  const made = Array.from({ length: count }, () => anySchema(chances, 3))
  const inside = (schema: TSchema) => Type.Object({ id: Type.String(), it: schema })
  const values = made.map(madeFor)
  const commands: AnyCommand[] = made
    .map((result, i) =>
      declared(() =>
        defineCommand(`command${i}`, { input: inside(result), result, handler: () => values[i] }),
      ),
    )
    .filter(isThere)
  const queries: AnyQuery[] = made
    .map((result, i) =>
      declared(() =>
        defineQuery(`query${i}`, {
          input: Type.Object({ it: result }),
          result,
          handler: () => values[i],
        }),
      ),
    )
    .filter(isThere)
  const caches: AnyCache[] = made
    .map((it, i) => declared(() => defineCache(`cache${i}`, { schema: inside(it), key: 'id' })))
    .filter(isThere)
  expect(refusals.count).toBeLessThan(made.length * 3)
  const unit = new MemoryServing('unit', defineSpace('shapes', { caches, commands, queries }))
  const told: unknown[] = []
  const log = { error: (fields: object) => told.push(fields) }
  const app = createHttpServer([unit], { log })
  await app.ready()
  const document = await app.inject({ url: '/openapi.json' })
  expect(document.statusCode).toBe(200)
  expect(Object.keys(document.json<{ paths: object }>().paths)).toHaveLength(
    // Each cache has its entries, their history and its archive, the space several queries at once
    // and its events.
    commands.length + queries.length + 3 * caches.length + 2,
  )
  const messaging = new InProcessMessaging(new SimulatedClock())
  await (await serveSpace(messaging, unit, { log })).stop()

  for (const { name } of queries) {
    const value = values[Number(name.slice('query'.length))]
    // Asked by hand: whether the input fits is another question.
    const query = { ...unit.space.queries.get(name), input: Type.Object({}) } as AnyQuery
    ;(unit.space.queries as Map<string, AnyQuery>).set(name, query)
    const answer = await app.inject({ url: `/shapes/queries/${name}` })
    const body = answer.json<{ code?: string; result?: unknown }>()
    if (value === undefined || answer.statusCode !== 200)
      expect(body.code ?? body.result).toBeOneOf(['application_fault', null])
    else expect(body.result).toEqual(JSON.parse(JSON.stringify(value)))
  }
  expect(told).toEqual([])
  await app.close()
}

test(`every schema is served by every door, or refused when it is declared (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const chances = new Chances(new SeededRandom(seed))
  for (let left = schemas; left > 0; left -= schemasPerSpace)
    await serveAll(chances, Math.min(left, schemasPerSpace))
})
