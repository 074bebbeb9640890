import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { Space } from '@spacegrid/grid/core/definition'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const id = Type.String()

/** The first version: counters. */
const counters = defineCache('counters', {
  schema: Type.Object({ id, count: Type.Integer() }),
  key: 'id',
  readable: true,
})
const add = defineCommand('add', {
  input: Type.Object({ id }),
  result: counters.schema,
  handler: (tx, input) => {
    const before = tx.get(counters, input.id) ?? { id: input.id, count: 0 }
    const after = { ...before, count: before.count + 1 }
    tx.put(counters, after)
    return after
  },
})
const look = defineQuery('look', {
  input: Type.Object({ id }),
  result: Type.Object({ counter: counters.schema }),
  handler: (read, input) => ({
    counter: read.get(counters, input.id) ?? read.notFound('no counter'),
  }),
})
const first = defineSpace('test', { caches: [counters], commands: [add], queries: [look] })

/** The next one: a field more that may be there, and one that must. */
const wider = defineCache('counters', {
  schema: Type.Object({
    id,
    count: Type.Integer(),
    color: Type.Optional(Type.String()),
    weight: Type.Integer(),
  }),
  key: 'id',
  defaults: { weight: 5 },
  readable: true,
})
const paint = defineCommand('paint', {
  input: Type.Object({ id, color: Type.String() }),
  result: wider.schema,
  handler: (tx, input) => {
    const before = tx.get(wider, input.id) ?? tx.reject('unknown')
    const after = { ...before, color: input.color }
    tx.put(wider, after)
    return after
  },
})
const next = defineSpace('test', { caches: [wider], commands: [paint] })

let world: UnitWorld

beforeEach(() => {
  world = new UnitWorld(first)
})

afterEach(() => world.stop())

const start = async (space: Space) => {
  const started = world.start({}, {}, undefined, undefined, space)
  await world.until(() => started.unit.readiness().ready)
  return started
}

const execute = async ({ unit }: WorldUnit, command: string, input: unknown) =>
  (await world.settled(unit.execute(command, input))).result

const told = ({ events }: WorldUnit) =>
  events.flatMap((event) =>
    event.kind === 'definition' ? [`${event.level}: ${event.message}`] : [],
  )

test('two versions work side by side, and each tells what it declares', async () => {
  const [old, young] = [await start(first), await start(next)]
  expect(await execute(old, 'add', { id: 'a' })).toEqual({ id: 'a', count: 1 })
  const red = { id: 'a', count: 1, color: 'red', weight: 5 }
  expect(await execute(young, 'paint', { id: 'a', color: 'red' })).toEqual(red)
  const { position } = young.unit
  // The older one keeps what it does not know, and does not tell it.
  expect(await execute(old, 'add', { id: 'a' })).toEqual({ id: 'a', count: 2 })
  const looked = await world.settled(old.unit.query('look', { id: 'a' }, { position }))
  expect(looked.result).toEqual({ counter: { id: 'a', count: 2 } })
  const entry = await world.settled(old.unit.entry('counters', 'a'))
  expect(entry.value).toEqual({ id: 'a', count: 2 })
  const { position: later } = old.unit
  const full = await world.settled(young.unit.entry('counters', 'a', { position: later }))
  expect(full.value).toEqual({ ...red, count: 2 })
  expect(young.unit.status().digest).toBe(old.unit.status().digest)
})

test('who is there already is told at once what a newcomer declares', async () => {
  const old = await start(first)
  expect(told(old)).toEqual([])
  await start(next)
  expect(told(old)).toEqual([
    'info: cache counters: color is of another version: it is kept where it stands',
    'info: cache counters: weight is of another version: it is kept where it stands',
  ])
})

describe('entries that one version has claimed', () => {
  const slots = defineCache('slots', {
    schema: Type.Object({ id, number: Type.Integer(), owner: Type.String() }),
    key: 'id',
    indexes: { byOwner: ['owner', 'number'] },
  })
  const places = defineCache('slots', {
    schema: Type.Object({ id, place: Type.Integer(), owner: Type.String() }),
    key: 'id',
    indexes: { byOwner: ['owner', 'place'] },
    renamed: { number: 'place' },
  })
  const open = defineCommand('open', {
    input: Type.Object({}),
    handler: (tx) => tx.put(slots, { id: 'a', number: 1, owner: '' }),
  })
  const range = { equals: [''], limit: 1 } as const
  const claims = {
    first: [
      defineCommand('field', {
        input: Type.Object({}),
        handler: (tx) => ({ mine: tx.take(slots, 'byOwner', range, {}), more: 1 }),
      }),
      defineCommand('whole', {
        input: Type.Object({}),
        handler: (tx) => tx.take(slots, 'byOwner', range, {}),
      }),
      defineCommand('list', {
        input: Type.Object({}),
        handler: (tx) => ['x', tx.take(slots, 'byOwner', range, {})],
      }),
    ],
    next: [
      defineCommand('field', {
        input: Type.Object({}),
        handler: (tx) => ({ mine: tx.take(places, 'byOwner', range, {}), more: 1 }),
      }),
      defineCommand('whole', {
        input: Type.Object({}),
        handler: (tx) => tx.take(places, 'byOwner', range, {}),
      }),
      defineCommand('list', {
        input: Type.Object({}),
        handler: (tx) => ['x', tx.take(places, 'byOwner', range, {})],
      }),
    ],
  }
  const earlier = defineSpace('test', { caches: [slots], commands: [open, ...claims.first] })
  const later = defineSpace('test', { caches: [places], commands: claims.next })
  const entry = { id: 'a', number: 1, owner: '' }
  const read = { id: 'a', place: 1, owner: '' }
  const shapes = {
    field: (it: object) => ({ mine: [it], more: 1 }),
    whole: (it: object) => [it],
    list: (it: object) => ['x', [it]],
  }

  test('are answered by each in its own names, the first time and every other time', async () => {
    const [old, young] = [await start(earlier), await start(later)]
    await execute(old, 'open', {})
    await world.until(() => young.unit.position === old.unit.position)
    const ask = async ({ unit }: WorldUnit, name: string, idempotencyKey: string) => {
      const answer = await world.settled(unit.execute(name, {}, { idempotencyKey }))
      const { position } = answer
      await world.until(() => old.unit.position >= position && young.unit.position >= position)
      return answer
    }
    for (const [name, shape] of Object.entries(shapes)) {
      for (const [asked, others] of [
        [old, young],
        [young, old],
      ] as const) {
        const key = `${name} of ${asked.unit.name}`
        const of = (world: WorldUnit) => shape(world === old ? entry : read)
        expect(await ask(asked, name, key)).toMatchObject({ result: of(asked), replayed: false })
        expect(await ask(asked, name, key)).toMatchObject({ result: of(asked), replayed: true })
        expect(await ask(others, name, key)).toMatchObject({ result: of(others), replayed: true })
      }
    }
  })
})

describe('a cache whose entries are stored otherwise than they are read', () => {
  const before = defineCache('timers', {
    schema: Type.Object({ name: Type.String(), at: Type.Integer(), rang: Type.Integer() }),
    key: 'name',
    expiry: 'at',
  })
  const timers = defineCache('timers', {
    schema: Type.Object({
      id,
      until: Type.Integer(),
      rang: Type.Integer(),
      weight: Type.Integer({ maximum: 9 }),
    }),
    key: 'id',
    expiry: 'until',
    renamed: { name: 'id', at: 'until' },
    defaults: { weight: 5 },
    onExpire: (tx, timer) =>
      tx.put(timers, { ...timer, until: timer.until + 3_600_000, rang: timer.rang + 1 }),
    readable: true,
  })
  const weights = defineProjection('weights', {
    of: timers,
    values: ({ sum }) => ({ weight: sum('weight'), rang: sum('rang') }),
  })
  const start1 = defineSpace('test', {
    caches: [before],
    commands: [
      defineCommand('set', {
        input: Type.Object({ name: id, at: Type.Integer() }),
        handler: (tx, timer) => tx.put(before, { ...timer, rang: 0 }),
      }),
    ],
  })
  const start2 = defineSpace('test', {
    caches: [timers],
    projections: [weights],
    queries: [
      defineQuery('weights', {
        input: Type.Object({}),
        handler: (read) => ({ ...read.get(weights, 'all'), count: read.count(timers) }),
      }),
    ],
  })

  test('expires, is projected, told and corrected as its version reads it', async () => {
    const old = await start(start1)
    const now = world.clock.now()
    await execute(old, 'set', { name: 'early', at: now + 5_000 })
    await world.settled(old.unit.stop())
    const { unit } = await start(start2)
    const weigh = async () => (await world.settled(unit.query('weights', {}))).result
    expect(await weigh()).toEqual({ weight: 5, rang: 0, count: 1 })
    await world.until(() => unit.get(timers, 'early')?.rang === 1)
    expect(await weigh()).toEqual({ weight: 5, rang: 1, count: 1 })
    const entry = await world.settled(unit.entry('timers', 'early'))
    const until = now + 3_605_000
    expect(entry.value).toEqual({ id: 'early', until, rang: 1, weight: 5 })
    const { version } = entry
    // As it is read, or as it is stored, which is what an operator sees in MongoDB.
    const correct = (value: object) =>
      world.settled(unit.correct({ cache: 'timers', key: 'early', version, value: { ...value } }))
    await expect(correct({ name: 'early', at: until, rang: 1, weight: 10 })).rejects.toThrow(
      'weight must be <= 9',
    )
    await correct({ name: 'early', at: until, rang: 7, weight: 3 })
    expect(unit.get(timers, 'early')).toEqual({ id: 'early', until, rang: 7, weight: 3 })
    expect(await weigh()).toEqual({ weight: 3, rang: 7, count: 1 })
  })
})

describe('a version that cannot follow says so at once, and asks nothing of the log', () => {
  const refused = async (space: Space, reason: string) => {
    const late = world.start({}, {}, undefined, undefined, space)
    await world.until(() => told(late).length > 0)
    expect(told(late)).toEqual([
      `error: ${reason}. It does not serve, and writes nothing: deploy a version that fits (spacegrid check tells)`,
    ])
    expect(late.unit.readiness()).toEqual({ ready: false, reason })
    await world.clock.advance(60_000)
    expect(told(late)).toHaveLength(1)
    return late
  }
  const withCache = (options: object) =>
    defineSpace('test', {
      caches: [
        defineCache('counters', {
          schema: Type.Object({ id, count: Type.Integer(), needed: Type.String() }),
          key: 'id',
          ...options,
        }),
      ],
    })

  test('a required field without a default', async () => {
    const old = await start(first)
    for (const name of ['a', 'b', 'c', 'd']) await execute(old, 'add', { id: name })
    const late = await refused(
      withCache({}),
      'This version of the application cannot read what is stored: ' +
        'cache counters: needed is required: 4 entries, such as "a", "b", "c"',
    )
    const layout = late.unit.state?.layout.named('counters')
    expect(layout?.fields).toEqual(['count:integer', 'id:string'])
  })

  test('a narrower type, and an index with other fields under the same name', async () => {
    const old = await start(first)
    await execute(old, 'add', { id: 'a' })
    const text = Type.Object({ id, count: Type.String() })
    await refused(
      withCache({ schema: text }),
      'This version of the application cannot read what is stored: ' +
        'cache counters: count must be string: 1 entry, such as "a"',
    )
  })

  test('another key', async () => {
    await start(first)
    const other = Type.Object({ id, key: Type.String() })
    await refused(
      withCache({ schema: other, key: 'key' }),
      'cache counters: the primary key is id in the log, key in this application',
    )
  })

  test('it serves when what it cannot read is gone', async () => {
    const removing = defineSpace('test', {
      caches: [counters],
      commands: [
        add,
        defineCommand('remove', {
          input: Type.Object({ id }),
          handler: (tx, input) => tx.delete(counters, input.id),
        }),
      ],
    })
    const old = await start(removing)
    await execute(old, 'add', { id: 'a' })
    const late = world.start({}, {}, undefined, undefined, withCache({}))
    await world.until(() => told(late).length > 0)
    await execute(old, 'remove', { id: 'a' })
    await world.until(() => late.unit.readiness().ready)
    expect(told(late)).toHaveLength(1)
  })
})

test('many entries are looked through before a unit serves, a turn at a time', async () => {
  const filling = defineSpace('test', {
    caches: [counters],
    commands: [
      defineCommand('fill', {
        input: Type.Object({ count: Type.Integer() }),
        handler: (tx, { count }) => {
          for (let n = 0; n < count; n++) tx.put(counters, { id: `c${n}`, count: n })
        },
      }),
    ],
  })
  const old = await start(filling)
  await execute(old, 'fill', { count: 9000 })
  const late = await start(next)
  expect(late.unit.get(wider, 'c8999')).toEqual({ id: 'c8999', count: 8999, weight: 5 })
})
