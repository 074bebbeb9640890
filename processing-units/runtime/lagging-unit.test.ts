import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(counting)
})
afterEach(() => world.stop())

// architecture.md, invariant 8: a unit that lags too far is not ready.
test('a unit leaves service while it is too far behind the log, and comes back by itself', async () => {
  const lagPositionsMax = 5
  const { unit } = await world.startReady()
  const slow = await world.startReady({ lagPositionsMax })
  slow.log.lateMs = () => 2000
  for (let count = 0; count < lagPositionsMax + 1; count++)
    await world.settled(unit.execute('put', { id: 'a', count }))
  await world.until(() => !slow.unit.readiness().ready)
  expect(slow.unit.readiness().reason).toMatch(/^\d+ positions behind the log$/)
  expect(slow.unit.status().lag).toBeGreaterThan(lagPositionsMax)
  await expect(slow.unit.query('read', { id: 'a' })).rejects.toMatchObject({ code: 'not_ready' })
  await expect(slow.unit.execute('add', { id: 'a' })).rejects.toMatchObject({ code: 'not_ready' })
  await world.until(() => slow.unit.readiness().ready)
  expect(slow.unit.status().lag).toBeLessThanOrEqual(lagPositionsMax)
})
