import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { SimulatedCell } from '../test-support/simulated-cell.ts'
import { Lease } from './lease.ts'

/** A process that looks twice a second, unless it is frozen; its clock has a speed of its own. */
function contender(cell: SimulatedCell, clock: SimulatedClock, name: string, speed = 1) {
  const world = { isCutOff: false, losesAnswers: false, isFrozen: false }
  const own = Object.create(clock, {
    monotonic: { value: () => clock.monotonic() * speed },
  }) as Clock
  const lease = new Lease(cell.seenBy(world), own, name)
  return {
    ...{ lease, world },
    look: () => (world.isFrozen ? Promise.resolve() : lease.look().catch(() => undefined)),
  }
}

type Contender = ReturnType<typeof contender>

async function pass(clock: SimulatedClock, ms: number, all: readonly Contender[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const one of all) await one.look()
    await clock.advance(500)
    const holders = all.filter(({ lease }) => lease.isHeld)
    expect(holders.length).toBeLessThanOrEqual(1)
  }
}

function two() {
  const [cell, clock] = [new SimulatedCell(), new SimulatedClock()]
  const [one, other] = [contender(cell, clock, 'one'), contender(cell, clock, 'other')]
  return { cell, clock, one, other, all: [one, other] }
}

test('one has it, and keeps it', async () => {
  const { clock, one, other, all } = two()
  await pass(clock, 60_000, all)
  expect([one.lease.term, other.lease.term]).toEqual([1, undefined])
  expect(other.lease.holder).toBe('one')
})

test('when its holder is frozen another one takes it, and the frozen one does not go on with it', async () => {
  const { clock, one, other, all } = two()
  await pass(clock, 5000, all)
  one.world.isFrozen = true
  await pass(clock, 12_000, all)
  expect(other.lease.term).toBe(2)
  // It wakes up, and has not looked yet.
  one.world.isFrozen = false
  expect(one.lease.term).toBeUndefined()
  await pass(clock, 20_000, all)
  expect([one.lease.term, other.lease.term]).toEqual([undefined, 2])
})

test('a holder that is cut off stops before another one begins', async () => {
  const { clock, one, other, all } = two()
  await pass(clock, 5000, all)
  one.world.isCutOff = true
  await pass(clock, 30_000, all)
  expect([one.lease.term, other.lease.term]).toEqual([undefined, 2])
  one.world.isCutOff = false
  await pass(clock, 30_000, all)
  expect(other.lease.term).toBe(2)
})

test('who gives it back lets the next one work at once', async () => {
  const { clock, one, other, all } = two()
  await pass(clock, 5000, all)
  await one.lease.release()
  await other.look()
  expect(other.lease.term).toBe(2)
})

test('a word that was not answered is none to rely on', async () => {
  const { clock, one, other, all } = two()
  one.world.losesAnswers = true
  await one.look()
  expect(one.lease.isHeld).toBe(false)
  one.world.losesAnswers = false
  await pass(clock, 30_000, all)
  expect([one, other].filter(({ lease }) => lease.isHeld)).toHaveLength(1)
})

test('what is no lease is nobody’s', async () => {
  const { cell, clock, one } = two()
  await cell.seenBy().write(Buffer.from('{"holder": 7}'), 0)
  await one.look()
  expect(one.lease.term).toBe(1)
  await clock.advance(0)
})

test('never two at the same time, whatever happens to any of three', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed)
    const [cell, clock] = [new SimulatedCell(), new SimulatedClock()]
    // Two of them have clocks that are a little fast and a little slow.
    const all = [1, 1.04, 0.96].map((speed, at) => contender(cell, clock, `${at}`, speed))
    let held = 0
    for (let step = 0; step < 400; step++) {
      const { world, lease } = all[random.below(3)] as Contender
      if (random.below(8) === 0) world.isFrozen = !world.isFrozen
      if (random.below(8) === 0) world.isCutOff = !world.isCutOff
      if (random.below(8) === 0) world.losesAnswers = !world.losesAnswers
      if (random.below(50) === 0 && !world.isFrozen) await lease.release()
      for (const one of all) if (random.below(4) > 0) await one.look()
      await clock.advance(random.below(3000))
      const holders = all.filter((one) => one.lease.isHeld).length
      expect(holders, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(1)
      held += holders
    }
    expect(held, `seed ${seed}`).toBeGreaterThan(20)
  }
})
