import { isDeepStrictEqual } from 'node:util'
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
import type { Outcome } from '@spacegrid/grid/core/operation-options'
import type { AnyCache, Transaction } from '@spacegrid/grid/core/transaction'
import { fitProblem } from '@spacegrid/grid/core/validation'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { fateOf, UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { SpaceHarness } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { anyPromise, anyThrown, anyValue, Chances } from './test-support/any-value.ts'

/** 100,000 once, and whenever something in the callbacks' way has changed. */
const runs = Number(process.env.FUZZ_RUNS ?? 600)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const things = defineCache('things', {
  schema: Type.Object({
    id: Type.String(),
    n: Type.Integer({ minimum: -5, maximum: 100 }),
    ratio: Type.Optional(Type.Number()),
    tens: Type.Optional(Type.Integer({ multipleOf: 10, exclusiveMaximum: 100 })),
    level: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)])),
    even: Type.Optional(Type.Refine(Type.Integer(), (it) => it % 2 === 0)),
    state: Type.Optional(Type.Union([Type.Literal('free'), Type.Literal('held')])),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 3 }), { maxItems: 5 })),
    pairs: Type.Optional(Type.Array(Type.Object({ a: Type.Integer() }), { minItems: 2 })),
    once: Type.Optional(Type.Array(Type.Integer(), { uniqueItems: true })),
  }),
  key: 'id',
  indexes: { byState: ['state', 'n'], byN: ['n'] },
})
const pair = Type.Object({ id: Type.String(), low: Type.Integer(), high: Type.Integer() })
const paired = defineCache('paired', {
  schema: Type.Refine(pair, ({ low, high }) => low <= high) as unknown as typeof pair,
  key: 'id',
})
const caches: readonly AnyCache[] = [things, paired]

/** What the callbacks do in the run at hand. */
let handle: (tx: Transaction) => unknown = () => undefined
let answer: (data: unknown) => unknown = (data) => data
let look: (reader: Reader) => unknown = () => undefined

const input = Type.Object({})
const results = [
  Type.Object({ id: Type.String(), n: Type.Optional(Type.Integer()) }),
  Type.Array(Type.Integer()),
  Type.Union([Type.Null(), Type.String()]),
  Type.Pick(things.schema, ['id', 'tags']),
  Type.Record(Type.String(), Type.Number()),
]
const sums = defineProjection('sums', {
  of: things,
  values: ({ sum }) => ({ sum: sum('n') }),
})
const space = defineSpace('misuse', {
  caches,
  projections: [sums],
  commands: [
    defineCommand('plain', { input, handler: (tx) => handle(tx) }),
    defineCommand('answered', {
      input,
      handler: (tx) => handle(tx),
      answer: (data: unknown) => answer(data),
    }),
    ...results.map((result, i) =>
      defineCommand(`declared${i}`, { input, result, handler: (tx) => handle(tx) }),
    ),
    defineCommand('probe', {
      input,
      handler: (tx) => {
        tx.increment(things, 'probe', 'ratio', 1, { initial: { id: 'probe', n: 0 } })
        return 'well'
      },
    }),
  ],
  queries: [
    defineQuery('plain', { input, handler: (reader) => look(reader) }),
    ...results.map((result, i) =>
      defineQuery(`declared${i}`, { input, result, handler: (reader) => look(reader) }),
    ),
  ],
})
const commandNames = [...space.commands.keys()].filter((name) => name !== 'probe')
const queryNames = [...space.queries.keys()]

const fields = Object.keys(things.schema.properties)
const ids = ['a', 'b', 'c']

/** A value that is right more often than not would be by chance. */
function entry(chances: Chances): unknown {
  if (chances.in(6)) return anyValue(chances)
  const value: Record<string, unknown> = {
    id: chances.oneOf(ids),
    n: chances.below(20),
    state: chances.oneOf(['free', 'held']),
    tags: ['x'],
    tens: 10,
  }
  if (chances.in(3)) value[chances.oneOf(fields)] = anyValue(chances)
  return value
}

const mostly = <T>(chances: Chances, right: T): unknown =>
  chances.in(10) ? anyValue(chances) : right

function range(chances: Chances): unknown {
  if (chances.in(8)) return anyValue(chances)
  const it: Record<string, unknown> = {}
  if (chances.in(2)) it.equals = mostly(chances, ['free'])
  if (chances.in(2)) it.limit = mostly(chances, 1 + chances.below(3))
  if (chances.in(4)) it[chances.oneOf(['from', 'after', 'to', 'before'])] = mostly(chances, 3)
  if (chances.in(5)) it.reverse = mostly(chances, true)
  return it
}

function options(chances: Chances): unknown {
  if (chances.in(2)) return undefined
  if (chances.in(10)) return anyValue(chances)
  const it: Record<string, unknown> = {}
  if (chances.in(3)) it.min = mostly(chances, -10)
  if (chances.in(3)) it.max = mostly(chances, 50)
  if (chances.in(3)) it.otherwise = mostly(chances, 'no')
  if (chances.in(3)) it.atLeast = mostly(chances, 0)
  if (chances.in(2)) it.initial = entry(chances)
  return it
}

type Call = readonly [name: keyof Transaction, ...args: unknown[]]

function call(chances: Chances): Call {
  const cache = mostly(chances, chances.in(6) ? paired : things)
  const id = mostly(chances, chances.oneOf(ids))
  const field = mostly(chances, chances.oneOf(fields))
  const index = mostly(chances, chances.oneOf(['byState', 'byN']))
  const patch = mostly(chances, { [chances.oneOf(fields)]: mostly(chances, 'held') })
  const numbers = ['n', 'ratio', 'tens', 'even', 'level']
  return chances.oneOf<() => Call>([
    () => ['get', cache, id],
    () => ['peek', cache, id],
    () => ['range', cache, index, range(chances)],
    () => ['put', cache, entry(chances)],
    () => ['delete', cache, id],
    () => ['increment', cache, id, field, mostly(chances, 1), options(chances)],
    () => ['increment', things, id, chances.oneOf(numbers), mostly(chances, 10), options(chances)],
    () => ['append', cache, id, field, mostly(chances, ['x']), options(chances)],
    () => ['append', things, id, 'tags', [mostly(chances, 'y')], options(chances)],
    () => ['append', things, id, 'pairs', mostly(chances, [{ a: 1 }, { a: 2 }]), options(chances)],
    () => ['take', cache, index, range(chances), patch, options(chances)],
    () => ['take', things, 'byN', { limit: 2 }, patch, { atLeast: 0 }],
    () => ['emit', mostly(chances, 'happened') as string, mostly(chances, { n: 1 })],
    () => ['reject', mostly(chances, 'no') as string, mostly(chances, { why: 1 })],
  ])()
}

function returned(chances: Chances, outcomes: readonly unknown[]): unknown {
  const outcome = outcomes.length === 0 ? undefined : chances.oneOf(outcomes)
  return chances.oneOf<() => unknown>([
    () => undefined,
    () => ({ id: 'a' }),
    () => ({ id: 'a', n: mostly(chances, 5) }),
    () => ({ id: 'a', tags: ['x', mostly(chances, 'y')] }),
    () => [1, mostly(chances, 2)],
    () => anyValue(chances),
    () => outcome,
    () => ({ outcome, n: mostly(chances, 1) }),
    () => [outcome, 1],
    () => ({ deep: { outcome } }),
    () => anyPromise(chances),
    () => ({ id: 'a', promise: anyPromise(chances) }),
    () => {
      throw anyThrown(chances)
    },
  ])()
}

/**
 * A handler made of a few calls. What it returns is made when it runs: a promise that never was
 * returned is nobody's concern.
 */
function handler(chances: Chances): (tx: Transaction) => unknown {
  const calls = Array.from({ length: chances.below(4) }, () => call(chances))
  const returns = chances.below(1_000_000)
  return (tx) => {
    const outcomes: unknown[] = []
    for (const [name, ...args] of calls) {
      const method = tx[name] as (...args: unknown[]) => unknown
      const made = method.apply(tx, args)
      if (name === 'increment' || name === 'append' || name === 'take') outcomes.push(made)
    }
    if (returns % 5 === 0) for (const it of outcomes) void (it as Outcome<unknown>).predicted
    return returned(new Chances(new SeededRandom(returns)), outcomes)
  }
}

function looking(chances: Chances): (reader: Reader) => unknown {
  const cache = mostly(chances, things) as typeof things
  const id = mostly(chances, 'a') as string
  const index = mostly(chances, 'byN') as 'byN'
  const asked = range(chances) as object
  const returns = chances.below(1_000_000)
  const read = chances.oneOf<(reader: Reader) => unknown>([
    () => undefined,
    (reader) => reader.get(cache, id),
    (reader) => reader.range(cache, index, asked),
    (reader) => reader.count(cache),
    (reader) => reader.get(mostly(chances, sums) as typeof sums, 'all'),
    (reader) => reader.notFound(mostly(chances, 'none') as string),
  ])
  return (reader) => {
    const found = read(reader)
    return returns % 2 === 0 ? found : returned(new Chances(new SeededRandom(returns)), [])
  }
}

const documented = new Set(['application_fault', 'rejected', 'transaction_too_large'])

/** Everything an entry of this unit is, for comparison with another unit's. */
const entriesOf = ({ unit }: WorldUnit) =>
  caches.map((cache) => {
    const layout = unit.state?.layout.named(cache.name)
    const entries = layout ? unit.state?.cache(layout.number).entries : undefined
    return [...(entries?.values() ?? [])].map(({ key, version, value }) => ({
      key,
      version,
      value,
    }))
  })

async function command(world: UnitWorld, units: readonly WorldUnit[], chances: Chances) {
  const [one, other] = units as [WorldUnit, WorldUnit]
  handle = handler(chances)
  const answers = chances.below(1_000_000)
  answer = (data) =>
    answers % 2 === 0 ? data : returned(new Chances(new SeededRandom(answers)), [])
  const before = one.unit.state?.digest
  const name = chances.oneOf(commandNames)
  const key = chances.in(4) ? { idempotencyKey: `key-${chances.below(1e9)}` } : {}
  const run = async () => {
    const fate = fateOf(one.unit.execute(name, {}, key))
    await world.until(() => 'value' in fate || 'error' in fate)
    return fate
  }
  const first = await run()
  if ('error' in first) {
    const { error } = first
    if (!isGridError(error) || !documented.has(error.code)) throw error
    const isCommitted = error.details.position !== undefined
    if (!isCommitted && one.unit.state?.digest !== before) throw new Error('half of it was done')
    JSON.stringify(error.details)
  } else if (key.idempotencyKey !== undefined) {
    // What wrote nothing is not remembered, and runs anew.
    const again = await run()
    if (again.value?.replayed) expect(again.value.result).toStrictEqual(first.value?.result)
  }
  await world.until(() => one.unit.position === other.unit.position)
  const entries = entriesOf(one)
  if (!isDeepStrictEqual(entries, entriesOf(other))) expect(entries).toStrictEqual(entriesOf(other))
  for (const [i, cache] of caches.entries())
    for (const { value } of entries[i] ?? [])
      expect(fitProblem(cache.schema, value)).toBe(undefined)
}

async function query(world: UnitWorld, { unit }: WorldUnit, chances: Chances) {
  look = looking(chances)
  const name = chances.oneOf(queryNames)
  try {
    const { result } = await world.settled(unit.query(name, {}))
    // What a door writes is what was returned.
    expect(JSON.stringify(result)).toBeTypeOf('string')
  } catch (error) {
    if (!isGridError(error, 'application_fault') && !isGridError(error, 'not_found')) throw error
  }
}

/** guarantees.md: what an application does wrong is its own fault, and nobody else's. */
test(`whatever callbacks do and return, the unit goes on and tells it by its code (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const chances = new Chances(new SeededRandom(seed))
  let world = new UnitWorld(space)
  let units = [await world.startReady(), await world.startReady()]
  for (let run = 0; run < runs; run++) {
    if (run % 1000 === 999) {
      // A world remembers everything that ever happened in it.
      await world.stop()
      world = new UnitWorld(space)
      units = [await world.startReady(), await world.startReady()]
    }
    if (chances.in(4)) await query(world, chances.oneOf(units), chances)
    else await command(world, units, chances)
    if (run % 50 !== 49) continue
    for (const { unit, events } of units) {
      const { result } = await world.settled(unit.execute('probe', {}))
      expect([result, unit.readiness()]).toEqual(['well', { ready: true }])
      const told = events.filter(({ kind }) => kind === 'rehydrating')
      expect(told).toEqual([])
    }
  }
  await world.stop()
})

test(`the harness tells the same as units do (seed ${seed})`, async () => {
  const chances = new Chances(new SeededRandom(seed))
  const grid: SpaceHarness = new SpaceHarness(space)
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  for (let run = 0; run < Math.min(runs, 300); run++) {
    handle = handler(chances)
    answer = (data) => data
    const name = chances.oneOf(commandNames)
    const fate = fateOf(unit.execute(name, {}))
    await world.until(() => 'value' in fate || 'error' in fate)
    let told: unknown
    try {
      told = grid.execute(name, {})
    } catch (error) {
      if (!isGridError(error)) throw error
      told = error.code
    }
    const expected = isGridError(fate.error) ? fate.error.code : fate.value?.result
    expect(told).toStrictEqual(expected)
  }
  await world.stop()
})
