import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { ProcessingUnit } from './processing-unit.ts'

const holds = defineCache('holds', {
  schema: Type.Object({ id: Type.String(), until: Type.Integer(), kind: Type.String() }),
  key: 'id',
  expiry: 'until',
  onExpire: (tx, { id, kind }) => {
    if (kind === 'throws') throw new Error('it cannot expire')
    if (kind === 'rejects') tx.reject('not_yet')
    if (kind !== 'stays') tx.delete(holds, id)
    else tx.put(notes, { id })
  },
})

const notes = defineCache('notes', { schema: Type.Object({ id: Type.String() }), key: 'id' })

const hold = defineCommand('hold', {
  input: Type.Object({ ids: Type.Array(Type.String()), ms: Type.Integer(), kind: Type.String() }),
  handler: (tx, { ids, ms, kind }) => {
    for (const id of ids) tx.put(holds, { id, until: tx.now + ms, kind })
  },
})

/** What `touch` has seen, one item for each time it ran. */
const seen: (string | undefined)[] = []

const touch = defineCommand('touch', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const found = tx.get(holds, id)
    seen.push(found?.kind)
    tx.put(holds, { ...(found ?? tx.reject('unknown')), kind: 'touched' })
  },
})

const held = defineQuery('held', {
  input: Type.Object({}),
  handler: (reader) => ({ count: reader.count(holds) }),
})

const space = defineSpace('holding', {
  caches: [holds, notes],
  commands: [hold, touch],
  queries: [held],
})

let world = new UnitWorld(space)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(space)
})

const idsOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)

async function countOf(unit: { query: (name: string, input: unknown) => Promise<unknown> }) {
  return ((await unit.query('held', {})) as { result: { count: number } }).result.count
}

test.each(['throws', 'rejects', 'stays'])(
  'entries that cannot expire (the handler %s) do not keep others from it, and are not tried all the time',
  async (kind) => {
    const { unit, events } = await world.startReady({ expiryBatchMax: 4, heartbeatMs: 100_000 })
    await world.settled(unit.execute('hold', { ids: idsOf('bad', 10), ms: 100, kind }))
    await world.settled(unit.execute('hold', { ids: idsOf('good', 10), ms: 200, kind: 'goes' }))
    await world.clock.advance(3000)
    expect(await countOf(unit)).toBe(10)
    const reported = events.length
    const position = unit.position
    await world.clock.advance(5000)
    expect(events.length - reported).toBeLessThanOrEqual(10)
    expect(unit.position - position).toBeLessThanOrEqual(3)
  },
)

test('as many entries as are due expire at once, whatever the size of a batch', async () => {
  const { unit } = await world.startReady({ expiryBatchMax: 4, expirySweepMs: 1000 })
  await world.settled(unit.execute('hold', { ids: idsOf('h', 200), ms: 500, kind: 'goes' }))
  await world.clock.advance(500)
  expect(await countOf(unit)).toBe(200)
  await world.clock.advance(1100)
  expect(await countOf(unit)).toBe(0)
})

test('a unit whose clock is ahead of the log lets entries expire in time', async () => {
  world.logAheadMs = -60_000
  const { unit } = await world.startReady({ heartbeatMs: 5_000 })
  await world.settled(unit.execute('hold', { ids: idsOf('h', 5), ms: 10_000, kind: 'goes' }))
  const position = unit.position
  await world.clock.advance(9_900)
  expect(await countOf(unit)).toBe(5)
  expect(unit.position - position).toBeLessThan(5)
  await world.clock.advance(500)
  expect(await countOf(unit)).toBe(0)
})

test('entries that the log’s clock does not call due yet are not tried all the time', async () => {
  const { unit } = await world.startReady({ heartbeatMs: 100_000, expirySweepMs: 20 })
  await world.settled(unit.execute('hold', { ids: idsOf('h', 5), ms: 10_000, kind: 'goes' }))
  const position = unit.position
  world.logAheadMs = -4_000
  await world.clock.advance(13_900)
  expect(await countOf(unit)).toBe(5)
  expect(unit.position - position).toBeLessThan(8)
  await world.clock.advance(500)
  expect(await countOf(unit)).toBe(0)
})

test('what an expiry has overtaken is no longer foreseen', async () => {
  const { unit, log } = await world.startReady({ expirySweepMs: 1000, heartbeatMs: 100_000 })
  await world.settled(unit.execute('hold', { ids: ['a'], ms: 100, kind: 'goes' }))
  let appended = 0
  // The expiry goes to the log at once, all that follows it later.
  log.fate = () => (++appended === 1 ? {} : { delayMs: 100 })
  await world.until(() => appended === 1)
  seen.length = 0
  const touching = [1, 2].map(() => fateOf(unit.execute('touch', { id: 'a' })))
  const before = unit.position
  await world.until(() => unit.position > before)
  touching.push(fateOf(unit.execute('touch', { id: 'a' })))
  await world.clock.advance(10)
  expect(seen).toEqual(['goes', 'touched', undefined])
  await world.until(() => touching.every(({ error }) => error))
  expect(touching).toMatchObject(touching.map(() => ({ error: { reason: 'unknown' } })))
})

test('a version of the application that declares an expiry no more does not go on expiring', async () => {
  const { unit } = await world.startReady()
  await world.settled(unit.execute('hold', { ids: ['a'], ms: 100, kind: 'brief' }))
  await world.settled(unit.stop())
  const { schema } = holds
  const kept = defineCache('holds', { schema, key: 'id' })
  const newer = new ProcessingUnit(
    'newer',
    defineSpace('holding', { caches: [kept, notes], queries: [] }),
    {
      log: new SimulatedLog(world.clock, world.stream, { latencyMs: () => 1 }),
      messaging: world.messaging,
      clock: world.clock,
      random: new SeededRandom(9),
    },
    { sources: ['log'] },
  )
  newer.start()
  await world.until(() => newer.readiness().ready)
  await world.clock.advance(5000)
  expect((await newer.entry('holds', 'a')).value).toMatchObject({ id: 'a', kind: 'brief' })
  await world.settled(newer.stop())
})
