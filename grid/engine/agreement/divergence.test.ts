import { counting } from '@spacegrid/runtime/test-support/counters'
import { expect, test } from 'vitest'
import { UnitWorld, type WorldUnit } from '../../kit/unit-world.ts'
import { readSnapshot } from '../replica/snapshot-service.ts'
import { subjects } from '../wire/subjects.ts'
import { damage } from './test-support/damage.ts'

async function startWorld(count: number): Promise<{ world: UnitWorld; all: WorldUnit[] }> {
  const world = new UnitWorld(counting)
  const all: WorldUnit[] = []
  for (let n = 0; n < count; n++) all.push(await world.startReady())
  for (let n = 0; n < 20; n++)
    await world.settled((all[0] as WorldUnit).unit.execute('put', { id: `k${n}`, count: n }))
  await world.clock.advance(3000)
  return { world, all }
}

const messages = ({ events }: WorldUnit) =>
  events.flatMap((event) => (event.kind === 'audit' ? [event.message] : []))

const textOf = async (world: UnitWorld, { unit }: WorldUnit, id: string) =>
  (await world.settled(unit.entry('counters', id))).value.text

/** Lets time pass, and says which units were not ready at some moment of it. */
async function watch(world: UnitWorld, all: readonly WorldUnit[], until: () => boolean) {
  const reasons = all.map(() => new Set<string>())
  await world.until(() => {
    for (const [at, { unit }] of all.entries()) {
      const { reason } = unit.readiness()
      if (reason !== undefined) reasons[at]?.add(reason)
    }
    return until()
  }, 60_000)
  return reasons.map((some) => [...some])
}

const isBack = ({ unit }: WorldUnit) =>
  unit.readiness().ready && unit.status().audit?.diverged === 1

// architecture.md, invariant 9
test('of three replicas the one that differs leaves, rehydrates and comes back', async () => {
  const { world, all } = await startWorld(3)
  const [first, , third] = all as [WorldUnit, WorldUnit, WorldUnit]
  const heal = damage(third.log, 'alpha', 'gamma')
  await world.settled(first.unit.execute('put', { id: 'alpha', count: 1 }))
  await world.clock.advance(5)
  heal()
  expect(third.unit.status().digest).not.toBe(first.unit.status().digest)
  const reasons = await watch(world, all, () => isBack(third))
  expect(reasons.slice(0, 2)).toEqual([[], []])
  expect(reasons[2]?.[0]).toMatch(/^diverged: unit unit-\d has the digest/)
  await world.clock.advance(3000)
  expect(new Set(all.map(({ unit }) => unit.status().digest)).size).toBe(1)
  for (const { unit } of all) expect(unit.status().audit?.drift).toBe(0)
  await world.stop()
})

test('a value that differs under the same version is found, by comparing entries', async () => {
  const { world, all } = await startWorld(3)
  const [first, second, third] = all as [WorldUnit, WorldUnit, WorldUnit]
  const heal = damage(second.log, 'good', 'evil')
  await world.settled(first.unit.execute('put', { id: 'x', count: 1, text: 'good' }))
  await world.clock.advance(5)
  heal()
  // No digest sees it.
  expect(second.unit.status().digest).toBe(first.unit.status().digest)
  expect(await textOf(world, second, 'x')).toBe('evil')
  const reasons = await watch(world, all, () => isBack(second))
  expect([reasons[0], reasons[2]]).toEqual([[], []])
  expect(reasons[1]?.[0]).toMatch(/^diverged: the entry "x" of counters/)
  for (const one of [first, second, third]) expect(await textOf(world, one, 'x')).toBe('good')
  await world.stop()
})

test('of two replicas, with nothing else to ask, one stays and the other follows it', async () => {
  const { world, all } = await startWorld(2)
  const [first, second] = all as [WorldUnit, WorldUnit]
  const heal = damage(second.log, 'alpha', 'gamma')
  await world.settled(first.unit.execute('put', { id: 'alpha', count: 1 }))
  await world.clock.advance(5)
  heal()
  const reasons = await watch(world, all, () => isBack(second))
  expect(reasons[0]?.filter((reason) => reason.startsWith('diverged'))).toEqual([])
  expect(first.unit.status().audit?.diverged).toBe(0)
  expect(second.unit.status().digest).toBe(first.unit.status().digest)
  expect(messages(first).join()).toMatch(/finding out who is wrong.*finds unit-0 right/)
  await world.stop()
})

test('while it is in doubt a unit answers nothing', async () => {
  const { world, all } = await startWorld(3)
  const [first, second, third] = all as [WorldUnit, WorldUnit, WorldUnit]
  const heal = damage(third.log, 'alpha', 'gamma')
  await world.settled(first.unit.execute('put', { id: 'alpha', count: 1 }))
  await world.clock.advance(5)
  heal()
  await world.until(() => !third.unit.readiness().ready)
  await expect(third.unit.query('read', { id: 'k1' })).rejects.toMatchObject({ code: 'not_ready' })
  await expect(third.unit.execute('add', { id: 'k1' })).rejects.toMatchObject({ code: 'not_ready' })
  // Nor when it has another state, until somebody has agreed with it.
  await world.until(() => third.unit.status().entries > 0 && third.unit.position > 0)
  expect(third.unit.readiness().reason).toMatch(/^diverged: unit unit-\d has the digest \w+ at/)
  await expect(third.unit.query('read', { id: 'k1' })).rejects.toMatchObject({ code: 'not_ready' })
  for (const { unit } of [first, second])
    expect((await world.settled(unit.query('read', { id: 'k1' }))).result).toEqual({ count: 1 })
  await world.stop()
})

test('nobody gives a copy that is wrong in the same way as what it would replace', async () => {
  const { world, all } = await startWorld(1)
  const { position, digest } = (all[0] as WorldUnit).unit.status()
  const subject = subjects.snapshotFromPeer('counting')
  const patience = { openMs: 1000, answerMs: 1000 }
  const ask = (wrong: string) =>
    world.settled(
      readSnapshot(world.messaging, world.clock, subject, patience, {
        position,
        digest: wrong,
      }).next(),
    )
  await expect(ask(digest)).rejects.toMatchObject({ code: 'diverged' })
  expect((await ask('0123456789abcdef')).value?.length).toBeGreaterThan(0)
  await world.stop()
})
