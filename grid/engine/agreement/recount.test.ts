import { counting } from '@spacegrid/runtime/test-support/counters'
import { expect, test } from 'vitest'
import { SpaceState } from '../../core/space-state.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { fateOf, UnitWorld } from '../../kit/unit-world.ts'
import { Replica } from '../replica/replica.ts'
import { recount } from './recount.ts'

test('a replica counts what it has, while commands go on, and finds an entry that changed by itself', async () => {
  const world = new UnitWorld(counting)
  const { unit } = await world.startReady()
  for (let n = 0; n < 2000; n++) void unit.execute('put', { id: `k${n}`, count: n })
  const log = new SimulatedLog(world.clock, world.stream)
  const replica = new Replica(log, new SpaceState())
  replica.start()
  await world.until(() => replica.state.entryCount >= 1000)
  const first = await world.settled(recount(replica, world.clock))
  expect(first?.counted).toBe(first?.kept)
  // It goes on afterwards.
  await world.until(() => unit.status().entries >= 2000)
  await world.until(() => replica.state.position === unit.position)
  expect(replica.state.digest.toString()).toBe(unit.status().digest)
  const entry = replica.state.find(replica.state.layout.named('counters')?.number ?? -1, 'k7')
  if (!entry) throw new Error('there is no such entry')
  entry.version++
  const second = await world.settled(recount(replica, world.clock))
  expect(second?.counted).not.toBe(second?.kept)
  await replica.stop()
  await world.stop()
})

test('while it is held a replica stays where it is', async () => {
  const world = new UnitWorld(counting)
  const { unit } = await world.startReady()
  const replica = new Replica(new SimulatedLog(world.clock, world.stream), new SpaceState())
  replica.start()
  await world.until(() => replica.state.position === unit.position)
  const [one, other] = await Promise.all([replica.hold(), replica.hold()])
  const { position } = replica.state
  const done = fateOf(unit.execute('add', { id: 'x' }))
  await world.until(() => done.value !== undefined)
  one()
  one()
  await replica.stop()
  replica.start()
  await world.clock.advance(1000)
  expect(replica.state.position).toBe(position)
  other()
  await world.until(() => replica.state.position === unit.position)
  // Stopped while it is held: it does not start again.
  const release = await replica.hold()
  await replica.stop()
  release()
  await world.clock.advance(100)
  expect(replica.connected).toBe(false)
  await world.stop()
})
