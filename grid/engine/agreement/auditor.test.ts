import { counting } from '@spacegrid/runtime/test-support/counters'
import { expect, test } from 'vitest'
import { SpaceState } from '../../core/space-state.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { UnitWorld } from '../../kit/unit-world.ts'
import { Replica } from '../replica/replica.ts'
import { subjects } from '../wire/subjects.ts'
import { encodeAuditMessage } from './audit-codec.ts'
import { Auditor } from './auditor.ts'

/** A replica with its auditor, without a unit around it. */
async function startReplica(world: UnitWorld, name: string, seed: number) {
  const { clock, messaging } = world
  const log = new SimulatedLog(clock, world.stream)
  const replica = new Replica(log, new SpaceState())
  const failures: string[] = []
  const auditor = new Auditor(
    { log, messaging, clock, random: new SeededRandom(seed) },
    {
      ...{ logName: 'counting', name, role: 'unit' },
      diverged: (error) => failures.push(error.message),
      report: () => undefined,
    },
  )
  auditor.start()
  auditor.follow(replica)
  replica.start()
  return { replica, auditor, failures }
}

async function startWorld() {
  const world = new UnitWorld(counting)
  const { unit } = await world.startReady()
  await world.settled(unit.execute('put', { id: 'x', count: 1 }))
  // What follows is between the two.
  await world.settled(unit.stop())
  const one = await startReplica(world, 'a', 100)
  const other = await startReplica(world, 'b', 200)
  await world.clock.advance(3000)
  return { world, one, other }
}

test('two that differ count: the one whose account is not that of its entries leaves', async () => {
  const { world, one, other } = await startWorld()
  expect(one.auditor.status()).toMatchObject({ drift: 0, diverged: 0 })
  // By its name it would be the one to stay.
  one.replica.state.digest.toggle(7, 7, 7)
  world.stream.append(new Uint8Array(world.stream.read(1)?.data ?? []))
  await world.until(() => one.failures.length > 0)
  expect(one.failures[0]).toMatch(/^its digest at position \d+ is .*, its entries count to/)
  expect(one.auditor.doubt()).toMatch(/^diverged: its digest/)
  await world.clock.advance(10_000)
  expect(other.failures).toEqual([])
  expect(other.auditor.doubt()).toBeUndefined()
  for (const { auditor } of [one, other]) await auditor.stop()
})

test('what cannot be read, and what belongs to another log, is passed over', async () => {
  const { world, one, other } = await startWorld()
  const { comparisons } = one.auditor.status()
  const from = { id: 1, name: 'c', role: 'unit' } as const
  const message = { kind: 'digest', from, position: 1, digest: 'x', counted: false } as const
  for (const data of [
    new Uint8Array(0),
    new Uint8Array([0xc1]),
    new Uint8Array([1, 2, 3]),
    encodeAuditMessage('another log', message),
  ])
    world.messaging.publish(subjects.audit('counting'), data)
  await world.clock.advance(500)
  expect(one.auditor.status()).toMatchObject({ drift: 0, comparisons })
  for (const { auditor } of [one, other]) await auditor.stop()
})
