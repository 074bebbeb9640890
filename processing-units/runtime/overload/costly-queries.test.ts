import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProcessingUnit } from '../processing-unit.ts'

/** What handlers have worked, ms: nothing else has run meanwhile. */
let workedMs = 0
let began: number[] = []

const seats = defineCache('seats', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const map = defineQuery('map', {
  input: Type.Object({}),
  handler: () => {
    began.push(world.clock.now())
    workedMs += 50
    return {}
  },
})
const seat = defineQuery('seat', {
  input: Type.Object({ id: Type.String() }),
  handler: (read, { id }) => ({ isThere: read.get(seats, id) !== undefined }),
})
const hold = defineCommand('hold', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.put(seats, { id }),
})
const space = defineSpace('seating', {
  caches: [seats],
  commands: [hold],
  queries: [map, seat],
})

const caller: Caller = {
  name: undefined,
  origin: { door: 'http', address: '192.0.2.1', credential: undefined },
}

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(space)
  began = []
})
afterEach(() => world.stop())

async function start(settings = {}): Promise<ProcessingUnit> {
  const { clock } = world
  const working: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + workedMs,
    worked: () => workedMs,
    after: (ms, callback) => clock.after(ms, callback),
    soon: (callback) => clock.soon(callback),
  }
  const logOptions = { latencyMs: () => 20 }
  const { unit } = await world.startReady(settings, logOptions, working)
  await unit.query('map', {}, { caller })
  await world.clock.advance(500)
  began = []
  return unit
}

/** So many maps at once, while commands come one after the other all the time. */
async function askFor(count: number, unit: ProcessingUnit, options = {}): Promise<number[]> {
  const since = world.clock.now()
  const answers = Promise.allSettled(
    Array.from({ length: count }, () => unit.query('map', {}, options)),
  )
  let isOver = false
  answers.then(() => {
    isOver = true
  })
  while (!isOver) {
    void unit.execute('hold', { id: 'A-1' })
    await world.clock.advance(10)
  }
  await world.clock.advance(100)
  return began.map((at) => at - since)
}

test('queries that take long leave commands the time in between, short ones and those of the process do not wait', async () => {
  const unit = await start()
  void unit.execute('hold', { id: 'A-1' })
  const maps = askFor(5, unit, { caller })
  expect(await unit.query('seat', { id: 'A-2' }, { caller })).toMatchObject({
    result: { isThere: false },
  })
  expect(await maps).toEqual([0, 100, 200, 300, 400])
  const own = await askFor(3, unit)
  expect(own).toEqual(expect.arrayContaining([0, 0, 0]))
})

test('more of them than are done in two seconds are turned away', async () => {
  const unit = await start()
  void unit.execute('hold', { id: 'A-1' })
  await askFor(40, unit, { caller })
  expect(unit.status().load?.queries).toMatchObject({
    ...{ waiting: 0, shed: 26 },
    costly: [{ query: 'map', ms: 50 }],
  })
})

test('a position that is not there yet is waited for outside of the line', async () => {
  const unit = await start()
  const late = unit.query('map', {}, { caller, position: unit.position + 1 })
  const first = unit.query('map', {}, { caller })
  await world.settled(first)
  void unit.execute('hold', { id: 'A-1' })
  expect((await world.settled(late)).position).toBeGreaterThan((await first).position)
})

test('a batch with one of them waits for its turn as a whole', async () => {
  const unit = await start()
  void unit.execute('hold', { id: 'A-1' })
  const alone = unit.query('map', {}, { caller })
  const batch = unit.queries([{ query: 'seat', input: { id: 'A-1' } }, { query: 'map' }], {
    caller,
  })
  void alone
  const { answers } = await world.settled(batch)
  expect(answers).toHaveLength(2)
  expect((began[1] as number) - (began[0] as number)).toBe(100)
})

test('without overload control nothing waits', async () => {
  const unit = await start({ queueDelayMs: 0 })
  void unit.execute('hold', { id: 'A-1' })
  expect(await askFor(5, unit, { caller })).toEqual([0, 0, 0, 0, 0])
})
