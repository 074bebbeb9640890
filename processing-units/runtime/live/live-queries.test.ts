import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { Reader } from '@spacegrid/grid/core/definition'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), group: Type.String(), rank: Type.Integer() }),
  key: 'id',
  indexes: { byRank: ['group', 'rank'], byGroup: ['group'] },
})
const others = defineCache('others', { schema: Type.Object({ id: Type.String() }), key: 'id' })

const input = Type.Object({
  id: Type.Optional(Type.String()),
  group: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer()),
})

const put = defineCommand('put', {
  input: Type.Object({ id: Type.String(), group: Type.String(), rank: Type.Integer() }),
  handler: (tx, item) => tx.put(items, item),
})
const drop = defineCommand('drop', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.delete(items, id),
})
const other = defineCommand('other', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.put(others, { id }),
})

const groups = defineProjection('groups', {
  of: items,
  groupBy: ['group'],
  values: ({ count, max }) => ({ items: count(), highest: max('rank') }),
  indexes: { byHighest: ['highest'] },
})

const one = defineQuery('one', {
  input,
  handler: (read, { id = '' }) => read.get(items, id) ?? read.notFound('none'),
})
const two = defineQuery('two', {
  input,
  handler: (read, { id = '' }) => {
    const first = read.get(items, id)
    return first ? (read.get(items, first.group) ?? null) : 'nothing'
  },
})
const top = defineQuery('top', {
  input,
  handler: (read, { group = 'a', limit = 3 }) =>
    read.range(items, 'byRank', { equals: [group], reverse: true, limit }),
})
const low = defineQuery('low', {
  input,
  handler: (read, { group = 'a', limit = 3 }) =>
    read.range(items, 'byRank', { equals: [group], from: 2, to: 7, limit }).map(({ id }) => id),
})
const all = defineQuery('all', { input, handler: (read) => read.range(items, 'byGroup') })
const size = defineQuery('size', { input, handler: (read) => read.count(items) })
const byGroup = defineQuery('byGroup', {
  input,
  handler: (read) => read.range(groups, 'byHighest', { reverse: true, limit: 1 }),
})
const group = defineQuery('group', {
  input,
  handler: (read, { group = 'a' }) => [read.get(groups, group) ?? null, read.count(groups)],
})
const promised = defineQuery('promised', {
  input,
  // What it has read by then is one state.
  handler: ((read: Reader, { id = '' }: { id?: string }) =>
    Promise.resolve(read.get(items, id) ?? null)) as never,
})
const hour = defineQuery('hour', { input, handler: (read) => Math.floor(read.now / 60_000) })

/** Makes its input another one. */
const changing = defineQuery('changing', {
  input,
  handler: (read, asked) => {
    Object.assign(asked, { limit: 1 })
    return read.count(items)
  },
})

const space = defineSpace('shelf', {
  caches: [items, others],
  commands: [put, drop, other],
  projections: [groups],
  queries: [one, two, top, low, all, size, byGroup, group, promised, hour, changing],
})

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(space)
})
afterEach(() => world.stop())

/** Watches a query in the background of a test's time. */
class Watcher {
  answer: unknown
  changes = 0
  #left = false

  constructor({ unit }: WorldUnit, query: string, asked: object) {
    void this.#watch(unit, query, asked)
  }

  leave(): void {
    this.#left = true
  }

  async #watch(unit: WorldUnit['unit'], query: string, asked: object): Promise<void> {
    let known: string | undefined
    while (!this.#left) {
      try {
        const watched = await unit.live.watch(query, asked, { known, withinMs: 1000 })
        if (watched.tag === known) continue
        known = watched.tag
        this.changes++
        this.answer = watched.json === undefined ? watched.failure?.code : JSON.parse(watched.json)
      } catch {
        if (this.#left) return
        await new Promise<void>((wake) => world.clock.after(50, wake))
      }
    }
  }
}

const answerOf = async ({ unit }: WorldUnit, query: string, asked: object): Promise<unknown> => {
  try {
    return JSON.parse(JSON.stringify((await unit.query(query, asked)).result ?? null))
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a query that changes its input is a fault: it is asked with it again', async () => {
  const one = await world.startReady()
  const watcher = new Watcher(one, 'changing', { group: 'a' })
  await world.until(() => watcher.changes > 0)
  expect(watcher.answer).toBe('application_fault')
  watcher.leave()
})

test(`what is watched is what a query answers, after any change: seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  const units = [await world.startReady(), await world.startReady()]
  const asked: [string, object][] = [
    ...['item 1', 'item 2'].flatMap((id): [string, object][] => [
      ['one', { id }],
      ['two', { id }],
      ['promised', { id }],
    ]),
    ...['a', 'b'].flatMap((group): [string, object][] => [
      ['top', { group }],
      ['top', { group, limit: 1 }],
      ['low', { group }],
      ['low', { group, limit: 1 }],
    ]),
    ...(['all', 'size', 'byGroup', 'group'] as const).map((query): [string, object] => [query, {}]),
  ]
  const watchers = units.map((unit) =>
    asked.map(([query, input]) => new Watcher(unit, query, input)),
  )
  for (let round = 0; round < 200; round++) {
    const { unit } = units[random.below(2)] as WorldUnit
    // Keys that are names of groups: one query reads what another value says.
    const id = random.chance(0.3) ? (random.chance(0.5) ? 'a' : 'b') : `item ${random.below(6)}`
    const change = random.chance(0.3)
      ? unit.execute('drop', { id })
      : unit.execute('put', { id, group: random.chance(0.7) ? 'a' : 'b', rank: random.below(10) })
    await world.settled(change)
    if (random.chance(0.5)) continue
    await world.clock.advance(20)
    for (const [at, unit] of units.entries())
      for (const [which, [query, input]] of asked.entries())
        expect(watchers[at]?.[which]?.answer, `${query} ${JSON.stringify(input)}`).toEqual(
          await answerOf(unit, query, input),
        )
  }
  for (const watcher of watchers.flat()) watcher.leave()
  await world.clock.advance(2000)
})

test('a query is worked out again only when something that it has read has changed', async () => {
  const unit = await world.startReady()
  const execute = async (command: string, asked: object) => {
    await world.settled(unit.unit.execute(command, asked))
    await world.clock.advance(20)
  }
  for (let rank = 0; rank < 10; rank++) await execute('put', { id: `${rank}`, group: 'a', rank })
  const watchers = [
    new Watcher(unit, 'one', { id: '5' }),
    new Watcher(unit, 'top', { group: 'a', limit: 3 }),
    new Watcher(unit, 'low', { group: 'b' }),
    new Watcher(unit, 'size', {}),
    new Watcher(unit, 'byGroup', {}),
  ]
  await world.clock.advance(100)
  const evaluations = () => unit.unit.live.status().evaluations
  const costs = async (command: string, asked: object) => {
    const before = evaluations()
    await execute(command, asked)
    return evaluations() - before
  }
  expect(evaluations()).toBe(5)
  expect(unit.unit.live.status().queries).toBe(5)
  expect(await costs('other', { id: 'x' })).toBe(0)
  // Behind the third of the highest, and neither is their number another one.
  expect(await costs('put', { id: '1', group: 'a', rank: 2 })).toBe(0)
  // The row of the highest group counts its items.
  expect(await costs('put', { id: '1', group: 'b', rank: 9 })).toBe(1)
  expect(await costs('put', { id: '5', group: 'a', rank: 4 })).toBe(1)
  expect(await costs('put', { id: '8', group: 'a', rank: 20 })).toBe(2)
  expect(await costs('drop', { id: '0' })).toBe(2)
  // And the row of the other one is none that was read.
  expect(await costs('put', { id: '1', group: 'b', rank: 3 })).toBe(1)
  for (const watcher of watchers) watcher.leave()
  await world.clock.advance(60_000)
  expect(unit.unit.live.status().queries).toBe(0)
  expect(await costs('drop', { id: '5' })).toBe(0)
})

test('a query that asks for the time is asked again by itself', async () => {
  const unit = await world.startReady()
  const watcher = new Watcher(unit, 'hour', {})
  await world.clock.advance(100)
  const first = watcher.answer as number
  await world.clock.advance(61_500)
  expect(watcher.answer).toBe(first + 1)
  watcher.leave()
  await world.clock.advance(2000)
})

test('a query goes on when its unit has rehydrated', async () => {
  const first = await world.startReady()
  const second = await world.startReady()
  const watcher = new Watcher(first, 'size', {})
  await world.settled(second.unit.execute('put', { id: 'x', group: 'a', rank: 1 }))
  await world.until(() => watcher.answer === 1)
  // A position that is left out ends the incarnation.
  first.log.seen = (record) => ({ ...record, position: record.position + 1 })
  await world.settled(second.unit.execute('put', { id: 'y', group: 'a', rank: 1 }))
  await world.until(() => !first.unit.readiness().ready)
  first.log.seen = (record) => record
  await world.until(() => first.unit.readiness().ready && watcher.answer === 2)
  await world.settled(second.unit.execute('put', { id: 'z', group: 'a', rank: 1 }))
  await world.until(() => watcher.answer === 3)
  watcher.leave()
  await world.clock.advance(2000)
})

test('what is watched is bounded', async () => {
  const { unit } = await world.startReady()
  for (let at = 0; at < 10_000; at++) {
    void unit.live.watch('one', { id: `${at}` }, { withinMs: 0 })
  }
  await world.clock.advance(10)
  const more = unit.live.watch('one', { id: 'more' }, { withinMs: 0 })
  await expect(more).rejects.toMatchObject({ code: 'overloaded' })
  await expect(unit.live.watch('none', {}, { withinMs: 0 })).rejects.toThrow(/none/)
})
