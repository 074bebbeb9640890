import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

/**
 * architecture.md, section 2: a command that refuses answers only after everything it met is
 * committed.
 */
test('an accepted command is not refused for something that another unit changes before it lands', async () => {
  const [one, two] = [await world.startReady(), await world.startReady()]
  await world.settled(one.unit.execute('put', { id: 'x', count: 1 }))
  // The second unit's change is ahead of the first one's command in the log, and not yet known to
  // it.
  one.log.fate = () => ({ delayMs: 20 })
  const position = one.unit.position
  const bumped = fateOf(one.unit.execute('bump', { id: 'x', max: 1 }, { acknowledge: 'accepted' }))
  await world.settled(two.unit.execute('put', { id: 'x', count: 0 }))
  await world.until(() => bumped.value !== undefined || bumped.error !== undefined)
  await world.until(() => one.unit.position >= position + 2)
  expect(bumped).toMatchObject({ value: { result: { count: 1 } } })
  expect((await one.unit.query('read', { id: 'x' })).result).toEqual({ count: 1 })
})

test('an accepted command that is refused where it lands is refused', async () => {
  const { unit } = await world.startReady()
  await world.settled(unit.execute('put', { id: 'x', count: 1 }))
  const refused = unit.execute('bump', { id: 'x', max: 1 }, { acknowledge: 'accepted' })
  await expect(world.settled(refused)).rejects.toMatchObject({ reason: 'full' })
})

test('commands that were accepted are in the log when the unit has stopped', async () => {
  const { unit } = await world.startReady({ framesInFlightMax: 1, frameTransactionsMax: 2 })
  await Promise.all(
    Array.from({ length: 9 }, () => unit.execute('add', { id: 'x' }, { acknowledge: 'accepted' })),
  )
  await world.settled(unit.stop())
  const other = await world.startReady()
  expect((await other.unit.query('read', { id: 'x' })).result).toEqual({ count: 9 })
})

test('accepted commands are as many as may be pending, and no more', async () => {
  const { unit, log } = await world.startReady({ pendingMax: 10 })
  log.fate = () => ({ copies: 0 })
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, async (_, i) => {
      // One after the other, so that each has its answer before the next one comes.
      for (let turn = 0; turn < 10 * i; turn++) await undefined
      return unit.execute('put', { id: `x${i}`, count: 1 }, { acknowledge: 'accepted' })
    }),
  )
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(answers.at(-1)).toMatchObject({ reason: { code: 'overloaded' } })
  log.fate = () => ({})
  await world.until(() => unit.status().pending === 0)
})

test('a command that was not accepted after all is not executed again', async () => {
  const one = await world.startReady({ commandMsMax: 100, deadlinePositions: 1 })
  const two = await world.startReady()
  one.log.fate = () => ({ copies: 0 })
  const failed = one.unit.execute('addKnown', { id: 'x' }, { acknowledge: 'accepted' })
  await expect(world.settled(failed)).rejects.toMatchObject({ code: 'log_unavailable' })
  one.log.fate = () => ({})
  // By now it would not be refused any more, and its frame is past its deadline.
  for (const id of ['x', 'y', 'z']) await world.settled(two.unit.execute('put', { id, count: 5 }))
  await world.clock.advance(1000)
  expect((await two.unit.query('read', { id: 'x' })).result).toEqual({ count: 5 })
})

/**
 * architecture.md, section 2: a processing unit never reports a level that has not been reached.
 */
test('a repeated key is answered at its own level, not at that of the first request', async () => {
  const { unit } = await world.startReady()
  const with1 = { idempotencyKey: 'one' }
  const persisted = fateOf(unit.execute('add', { id: 'x' }, { ...with1, acknowledge: 'persisted' }))
  const committed = await world.settled(unit.execute('add', { id: 'x' }, with1))
  expect(committed).toMatchObject({ acknowledged: 'committed', replayed: true })
  expect(persisted).toEqual({})
  const with2 = { idempotencyKey: 'two' }
  const before = unit.position
  const accepted = unit.execute('add', { id: 'x' }, { ...with2, acknowledge: 'accepted' })
  const later = await world.settled(unit.execute('add', { id: 'x' }, with2))
  expect(await accepted).toMatchObject({ acknowledged: 'accepted', position: before })
  expect(later).toMatchObject({ acknowledged: 'committed', replayed: true, result: { count: 2 } })
  expect(later.position).toBeGreaterThan(before)
})
