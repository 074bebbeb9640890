import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(counting)
})
afterEach(() => world.stop())

test('an idempotency key is remembered for its time, by every unit, and no longer', async () => {
  const [first, other] = [
    await world.startReady({ idempotencyMs: 5000 }),
    await world.startReady({ idempotencyMs: 5000 }),
  ]
  const add = async ({ unit }: typeof first) => {
    const { result, replayed } = await world.settled(
      unit.execute('add', { id: 'a' }, { idempotencyKey: 'once' }),
    )
    return { result, replayed }
  }
  const { entries } = first.unit.status()
  expect(await add(first)).toEqual({ result: { count: 1 }, replayed: false })
  await world.clock.advance(4000)
  expect(await add(other)).toEqual({ result: { count: 1 }, replayed: true })
  // What repeats a key does not lengthen its time.
  await world.clock.advance(1500)
  expect(first.unit.status().entries).toBe(entries + 1)
  expect(await add(other)).toEqual({ result: { count: 2 }, replayed: false })
})

test('no clock that is set shortens it, or makes it longer: a unit’s or the log’s', async () => {
  const { unit } = await world.startReady({ idempotencyMs: 5000 })
  const add = () => world.settled(unit.execute('add', { id: 'a' }, { idempotencyKey: 'once' }))
  await add()
  world.clock.jump(3_600_000)
  world.logAheadMs = -3_660_000
  await world.clock.advance(4000)
  expect((await add()).replayed).toBe(true)
  world.clock.jump(-7_200_000)
  await world.clock.advance(1500)
  expect((await add()).replayed).toBe(false)
})
