import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

/**
 * architecture.md, section 5: NATS cut off: commands get 503. Also when only its majority is gone,
 * and whoever is left still sends heartbeats.
 */
test('a log that is heard but takes nothing: new commands fail at once, and all goes on afterwards', async () => {
  const { unit, log } = await world.startReady()
  const put = (id: string) => unit.execute('put', { id, count: 1 })
  await world.settled(put('before'))
  const { fate } = log
  log.fate = () => ({ copies: 0, answered: false })
  const waiting = put('waiting')
  await world.clock.advance(2900)
  const early = put('early')
  await world.clock.advance(200)
  await expect(put('late')).rejects.toMatchObject({ code: 'log_unavailable' })
  expect((await unit.entry('counters', 'before')).value).toMatchObject({ count: 1 })
  log.fate = fate
  await world.settled(waiting)
  await world.settled(early)
  await world.settled(put('after'))
})
