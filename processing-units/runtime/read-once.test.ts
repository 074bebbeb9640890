import { types } from 'node:util'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { Reader } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { BatchedAnswer } from '@spacegrid/grid/doors/request/serving'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { SpaceHarness } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { Chances } from './test-support/any-value.ts'
import { fickleValue } from './test-support/fickle-value.ts'

/** 100,000 once, and whenever something in the way of results has changed. */
const runs = Number(process.env.FUZZ_RUNS ?? 600)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const thing = Type.Object({ id: Type.String(), n: Type.Integer() })
const things = defineCache('things', {
  schema: thing,
  key: 'id',
  indexes: { byN: ['n'] },
})
const input = Type.Object({})

/** What queries do in the run at hand. */
let look: (reader: Reader) => unknown = () => undefined
let merged: (results: readonly unknown[]) => unknown = (results) => results

const queries = [
  defineQuery('plain', { input, handler: (reader) => look(reader) }),
  defineQuery('declared', {
    input,
    result: Type.Object({ id: Type.Unknown(), m0: Type.Optional(Type.Unknown()) }),
    handler: (reader) => look(reader),
  }),
  defineQuery('promised', { input, handler: (async (reader: Reader) => look(reader)) as never }),
  defineQuery('everywhere', {
    input,
    everyPartition: { merge: (results) => merged(results as readonly unknown[]) },
    handler: (reader) => look(reader),
  }),
] as const
const put = defineCommand('put', {
  input: thing,
  handler: (tx, it) => tx.put(things, it),
})
const space = defineSpace('fickle', { caches: [things], commands: [put], queries: [...queries] })

/** Whether all of it is there: whoever reads it again finds the same. */
function isSettled(value: unknown): boolean {
  if (typeof value === 'function') return false
  if (typeof value !== 'object' || value === null) return true
  if (types.isProxy(value)) return false
  if (ArrayBuffer.isView(value)) return true
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (member) => 'value' in member && isSettled(member.value),
  )
}

function expectTold({ result, error }: { result?: unknown; error?: unknown }): void {
  if (error === undefined) expect([isSettled(result), result]).toEqual([true, result])
  else if (!isGridError(error, 'application_fault')) throw error
}

/** guarantees.md: what an application does wrong is its own fault, and nobody else's. */
test(`a result is looked at once, whatever it answers then (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const chances = new Chances(new SeededRandom(seed))
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const harness = new SpaceHarness(space)
  for (const id of ['a', 'b']) {
    harness.execute('put', { id, n: 1 })
    await world.settled(unit.execute('put', { id, n: 1 }))
  }
  const told = (asked: () => Promise<object>): Promise<object> =>
    world.settled(asked().catch((error: unknown) => ({ error })))
  let answered = 0
  for (let run = 0; run < runs; run++) {
    const inside = chances.in(2)
    look = (reader) => {
      const fickle = fickleValue(chances)
      return inside ? { id: fickle, m0: reader.range(things, 'byN') } : fickle
    }
    const isMergeFickle = chances.in(2)
    merged = (results) => (isMergeFickle ? fickleValue(chances) : results)
    const { name } = chances.oneOf(queries)
    const explain = chances.in(3)
    const one = await told(() => unit.query(name, {}, { explain }))
    if ('result' in one) answered++
    expectTold(one)
    expectTold(await told(async () => ({ result: await harness.query(name as 'plain', {}) })))
    const { answers } = await world.settled(
      unit.queries([
        { query: name, input: {} },
        { query: 'plain', input: {} },
      ]),
    )
    for (const answer of answers as readonly BatchedAnswer[]) expectTold(answer)
  }
  expect(answered).toBeGreaterThan(runs / 20)
  expect(unit.readiness()).toEqual({ ready: true })
  await world.stop()
})

/** Of the run at hand. */
let select: (item: object) => object = (item) => item
const made = (item: object): never => select(item) as never
const rows = defineProjection('rows', { of: things, select: made })
const best = defineProjection('best', {
  of: things,
  select: made,
  values: ({ top }) => ({ all: top(3, { by: 'n' as never }) }),
})
const folded = defineProjection('folded', {
  of: things,
  values: ({ fold }) => ({
    last: fold<unknown>({ initial: null, add: (_, item) => select(item), remove: () => null }),
  }),
})
const shelf = defineSpace('shelf', {
  caches: [things],
  commands: [put],
  projections: [rows, best, folded],
  queries: [rows, best, folded].map((projection) =>
    defineQuery(`${projection.name}Of`, {
      input,
      handler: (reader) => reader.get(projection as typeof rows, projection === rows ? 'a' : 'all'),
    }),
  ),
})

test(`so is what projections make of items (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const chances = new Chances(new SeededRandom(seed))
  let answered = 0
  for (let run = 0; run < Math.ceil(runs / 20); run++) {
    select = (item) => {
      const value = chances.in(2) ? { ...item, fickle: fickleValue(chances) } : { ...item }
      const get = () => (chances.in(9) ? 5n : chances.below(9))
      if (chances.in(2)) Object.defineProperty(value, 'm', { get, enumerable: true })
      return chances.in(2) ? Object.freeze(value) : value
    }
    const world = new UnitWorld(shelf)
    const { unit } = await world.startReady()
    for (const n of [1, 2, 3]) await world.settled(unit.execute('put', { id: 'a', n }))
    for (const name of shelf.queries.keys()) {
      const asked = unit.query(name, {}).catch((error: unknown) => ({ error }))
      const told = await world.settled<object>(asked)
      if ('result' in told) answered++
      expectTold(told)
    }
    expect(unit.readiness()).toEqual({ ready: true })
    await world.stop()
  }
  expect(answered).toBeGreaterThan(0)
})
