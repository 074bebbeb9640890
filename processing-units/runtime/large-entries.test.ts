import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

/**
 * An entry may be larger than a message, for its transaction travels in parts; so its snapshot must
 * as well.
 */
test('a unit copies entries that are larger than a message', async () => {
  world = new UnitWorld(counting, { messageBytesMax: 16 * 1024 })
  const first = await world.startReady({}, { recordBytesMax: 16 * 1024 })
  const text = 'spacegrid '.repeat(10_000)
  for (const id of ['x', 'y'])
    await world.settled(first.unit.execute('put', { id, count: 1, text }))
  for (let i = 0; i < 50; i++)
    await world.settled(first.unit.execute('put', { id: `s${i}`, count: i, text: 'small' }))
  const second = await world.startReady({ sources: ['peer'] }, { recordBytesMax: 16 * 1024 })
  expect(second.unit.status().digest).toBe(first.unit.status().digest)
  expect((await second.unit.entry('counters', 'y')).value).toEqual({ id: 'y', count: 1, text })
})
