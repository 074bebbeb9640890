import { expect, test } from 'vitest'
import { UnitWorld } from '../adapters/simulated/unit-world.ts'
import { counting } from './test-support/counters.ts'

test('a unit that cannot read a record of the log stays out of service without a storm of attempts', async () => {
  const world = new UnitWorld(counting)
  const { unit, events } = await world.startReady()
  await world.settled(unit.execute('add', { id: 'x' }))
  world.stream.append(new Uint8Array([0xc1]))
  await world.until(() => !unit.readiness().ready)
  await world.clock.advance(10_000)
  expect(unit.readiness().ready).toBe(false)
  const attempts = events.filter(({ kind }) => kind === 'rehydrated').length
  expect(attempts).toBeGreaterThan(2)
  expect(attempts).toBeLessThan(15)
  await world.stop()
})
