import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

/** architecture.md, invariant 10. */
test('reads of the latest state do not pile up while the log cannot be reached', async () => {
  const world = new UnitWorld(counting)
  const { unit, log } = await world.startReady({ pendingMax: 10, positionWaitMsMax: 100 })
  log.fate = () => ({ copies: 0 })
  const read = () => fateOf(unit.query('read', { id: 'x' }, { latest: true }))
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) read()
    await world.clock.advance(110)
  }
  const last = read()
  await world.clock.advance(1)
  expect(last.error).toMatchObject({ code: 'overloaded' })
  log.fate = () => ({})
  await world.until(() => unit.status().pending === 0)
  expect(await world.settled(unit.query('read', { id: 'x' }, { latest: true }))).toMatchObject({
    result: { count: null },
  })
  await world.stop()
})
