import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WrongClock } from './test-support/wrong-clock.ts'

const hourMs = 3_600_000

const holds = defineCache('holds', {
  schema: Type.Object({ id: Type.String(), until: Type.Integer() }),
  key: 'id',
  expiry: 'until',
})

const hold = defineCommand('hold', {
  input: Type.Object({ id: Type.String(), ms: Type.Integer() }),
  handler: (tx, { id, ms }) => {
    tx.put(holds, { id, until: tx.now + ms })
    return { now: tx.now }
  },
})

const time = defineQuery('time', {
  input: Type.Object({}),
  handler: (reader) => ({ now: reader.now }),
})

const space = defineSpace('holding', { caches: [holds], commands: [hold], queries: [time] })

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(space)
})
afterEach(() => world.stop())

const startWith = (aheadMs = 0): Promise<WorldUnit> =>
  world.startReady({}, {}, new WrongClock(world.clock, aheadMs))

let holdCount = 0

/** How far a handler's time is ahead of the true one. */
async function aheadMs({ unit }: WorldUnit, id = `h${++holdCount}`, ms = 0): Promise<number> {
  const { result } = await world.settled(unit.execute('hold', { id, ms }))
  return (result as { now: number }).now - world.clock.now()
}

const near = (ms: number): void => expect(Math.abs(ms)).toBeLessThan(100)

/** What is held for so long is held as long, and no longer. */
async function expectInTime(on: WorldUnit, ms = 3000, lateMs = 500): Promise<void> {
  const id = `held${++holdCount}`
  await aheadMs(on, id, ms)
  await world.clock.advance(ms - 100)
  expect(on.unit.get(holds, id)).toBeDefined()
  await world.clock.advance(100 + lateMs)
  expect(on.unit.get(holds, id)).toBeUndefined()
}

test('the time of handlers and queries is the log’s, however wrong the clock of a machine', async () => {
  const units = [await startWith(), await startWith(5 * hourMs), await startWith(-5 * hourMs)]
  for (const one of units) {
    near(await aheadMs(one))
    const { now } = (await one.unit.query('time', {})).result as { now: number }
    near(now - world.clock.now())
  }
  expect(
    units.map(({ unit }) => Math.round((unit.status().clock?.differenceMs ?? 0) / 1000)),
  ).toEqual([0, 5 * 3600, -5 * 3600])
  await world.clock.advance(100)
  expect(units[1]?.events).toContainEqual({
    kind: 'clock',
    level: 'warn',
    message: expect.stringMatching(/clock of this machine is 18000.0 s ahead of the log's time/),
  })
})

test.each([hourMs, -hourMs])(
  'while the log’s clock is %i ms off, and after it is right again, entries expire in time',
  async (offMs) => {
    const [first, second] = [await startWith(), await startWith()]
    await expectInTime(first)
    world.logAheadMs = offMs
    near(await aheadMs(second))
    await expectInTime(first)
    // Whoever joins meanwhile learns the time from the others.
    const third = await startWith()
    await world.clock.advance(10)
    near(await aheadMs(third))
    await expectInTime(third)
    world.logAheadMs = 0
    near(await aheadMs(first))
    await expectInTime(second)
    await expectInTime(third)
  },
)

test('a log’s clock that stays wrong is outlived, and everybody tells of it alike, at once and then once a minute', async () => {
  const units = [await startWith(), await startWith()]
  world.logAheadMs = -hourMs
  await world.clock.advance(150_000)
  await expectInTime(units[0] as WorldUnit)
  const jumps = units.map(({ unit }) => unit.status().clock?.jumps)
  expect(jumps[0]).toBeGreaterThan(10)
  expect(jumps[1]).toBe(jumps[0])
  for (const { events } of units) {
    const told = events.filter(({ kind }) => kind === 'clock')
    expect(told).toHaveLength(3)
    expect(told[0]).toMatchObject({
      message: expect.stringMatching(
        /log's clock was 3600\.0 s behind the time of unit-\d at position/,
      ),
    })
  }
})

test('small steps of the log’s clock are followed, and a step back stops time for no longer than its length', async () => {
  const unit = await startWith()
  world.logAheadMs = 4000
  await aheadMs(unit)
  expect(await aheadMs(unit)).toBeGreaterThan(3900)
  world.logAheadMs = 0
  await expectInTime(unit, 5000, 4500)
})

test('after a day without any unit time goes on where it is', async () => {
  const before = await startWith()
  await aheadMs(before, 'long', 10_000)
  await world.settled(before.unit.stop())
  await world.clock.advance(24 * hourMs)
  const after = await startWith()
  near(await aheadMs(after))
  await world.clock.advance(300)
  expect(after.unit.get(holds, 'long')).toBeUndefined()
  await expectInTime(after)
})

test('a clock that is behind, of the first unit after a day, makes time late, not early, until another one joins', async () => {
  const before = await startWith()
  await world.settled(before.unit.stop())
  await world.clock.advance(24 * hourMs)
  const first = await startWith(-2 * hourMs)
  const lateMs = -(await aheadMs(first))
  expect(lateMs).toBeGreaterThan(2 * hourMs - 1000)
  expect(lateMs).toBeLessThan(2 * hourMs + 1000)
  await expectInTime(first)
  const second = await startWith()
  near(await aheadMs(second))
  near(await aheadMs(first))
})

test('a clock that is ahead, of the first unit after a day, moves nothing', async () => {
  const before = await startWith()
  await world.settled(before.unit.stop())
  await world.clock.advance(24 * hourMs)
  const first = await startWith(2 * hourMs)
  near(await aheadMs(first))
  await expectInTime(first)
})

test('where both clocks contradict what is kept, as on a machine that slept, they are believed when they have done so for long', async () => {
  const clock = new WrongClock(world.clock)
  const unit = await world.startReady({}, {}, clock)
  near(await aheadMs(unit))
  clock.aheadMs = hourMs
  world.logAheadMs = hourMs
  await world.clock.advance(4 * 60_000)
  near(await aheadMs(unit))
  await expectInTime(unit)
  await world.clock.advance(90_000)
  near((await aheadMs(unit)) - hourMs)
  await expectInTime(unit)
})

test.each([
  [0, 'goes on'],
  [7200_000, 'stands still'],
])(
  'after an outage that set the log’s clock back, with a machine’s clock %i ms off, time %s',
  async (offMs, what) => {
    const clock = new WrongClock(world.clock)
    const unit = await world.startReady({}, {}, clock)
    unit.log.cut()
    clock.aheadMs = offMs
    await world.clock.advance(5 * 60_000)
    world.logAheadMs = -hourMs
    unit.log.heal()
    await world.clock.advance(2000)
    if (what === 'goes on') await expectInTime(unit)
    else expect(world.clock.now() - (unit.unit.state?.time ?? 0)).toBeGreaterThan(4 * 60_000)
  },
)

test('a join that comes late does not leave its unit late', async () => {
  const unit = world.start({}, { timeoutMs: 60_000 })
  unit.log.lateMs = () => 20_000
  await world.until(() => unit.unit.readiness().ready, 90_000)
  unit.log.lateMs = () => 0
  await world.clock.advance(60_000)
  near(await aheadMs(unit))
})

test('where both clocks were an hour ahead and were set right, entries expire nearly in time, and time comes right in the end', async () => {
  // The embedded grid: the log's clock is that of the machine.
  const clock = new WrongClock(world.clock, hourMs)
  world.logAheadMs = hourMs
  const unit = await world.startReady({}, {}, clock)
  clock.aheadMs = 0
  world.logAheadMs = 0
  await expectInTime(unit)
  const restarted = await world.startReady({}, {}, clock)
  expect(await aheadMs(restarted)).toBeGreaterThan(hourMs - 10_000)
  await expectInTime(restarted, 10_000, 2000)
  await world.clock.advance(10 * 60_000)
  expect(await aheadMs(unit)).toBeLessThan(hourMs - 30_000)
})

test('a query that is answered before its unit has joined does not get the time of a machine that is ahead', async () => {
  const first = await startWith()
  await aheadMs(first)
  const { unit, log } = world.start(
    { sources: ['peer'] },
    {},
    new WrongClock(world.clock, 5 * hourMs),
  )
  // Nothing that it appends arrives: it is exact, and cannot join.
  log.append = () => new Promise<number>(() => undefined)
  const { result } = await world.settled(
    (async () => {
      for (;;) {
        const answer = await unit.query('time', {}).catch(() => undefined)
        if (answer) return answer
        await new Promise<void>((wake) => world.clock.after(10, wake))
      }
    })(),
  )
  expect((result as { now: number }).now - world.clock.now()).toBeLessThan(100)
})
