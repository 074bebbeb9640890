import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { keepersOf } from './keepers.ts'
import { planOf } from './plan.ts'
import { targetOf } from './target.ts'
import { SimulatedMembers } from './test-support/simulated-members.ts'

// A hundred grids are planned in each test: on a busy machine that takes longer than most.
vi.setConfig({ testTimeout: 60_000 })

function grid(units: number, partitions: number, copies: number, names = 'unit') {
  const members = new SimulatedMembers(partitions, copies)
  for (let unit = 0; unit < units; unit++) members.add({ name: `${names}-${unit}` })
  members.settle()
  members.begun = 0
  members.begunBy.length = 0
  return members
}

const sizes = {
  units: fc.integer({ min: 1, max: 9 }),
  partitions: fc.integer({ min: 2, max: 64 }),
  copies: fc.integer({ min: 1, max: 4 }),
  names: fc.string({ minLength: 1, maxLength: 8 }),
}

const copiesOn = (members: SimulatedMembers) => members.all.map(({ keeps }) => keeps.size)

test('every partition has its copies, each unit its share of them', () => {
  fc.assert(
    fc.property(fc.record(sizes), ({ units, partitions, copies, names }) => {
      const members = grid(units, partitions, copies, names)
      const each = Math.min(copies, units)
      for (const holders of members.holders('ready')) expect(holders).toHaveLength(each)
      const share = (each * partitions) / units
      for (const kept of copiesOn(members)) {
        expect(kept).toBeGreaterThan(share - 1)
        expect(kept).toBeLessThan(share + 2)
      }
    }),
    { numRuns: 100 },
  )
})

/** To even out what has become uneven, now and then a copy more. */
const allowance = (fair: number) => 1 + 0.2 * fair

test('one more unit takes its share, and nothing else moves', () => {
  fc.assert(
    fc.property(fc.record(sizes), ({ units, partitions, copies, names }) => {
      const members = grid(units, partitions, copies, names)
      const added = members.add({ name: `${names}-${units}` })
      members.settle()
      const fair = (Math.min(copies, units + 1) * partitions) / (units + 1)
      const its = members.begunBy.filter((member) => member === added).length
      expect(its).toBeLessThanOrEqual(Math.max(1.2 * fair, fair + 1))
      expect(members.begun - its).toBeLessThanOrEqual(allowance(fair))
      for (const holders of members.holders('ready'))
        expect(holders).toHaveLength(Math.min(copies, units + 1))
    }),
    { numRuns: 100 },
  )
})

// partitions.md, section 6: at most 1.2 times its part
test('of 16 partitions a fifth unit takes six copies or seven, whatever it is called', () => {
  fc.assert(
    fc.property(fc.uniqueArray(sizes.names, { minLength: 5, maxLength: 5 }), (names) => {
      const members = new SimulatedMembers(16, 2)
      for (const name of names.slice(1)) members.add({ name })
      members.settle()
      members.begun = 0
      members.add({ name: names[0]! })
      members.settle()
      expect(members.begun).toBeGreaterThanOrEqual(5)
      expect(members.begun).toBeLessThanOrEqual(1.2 * (32 / 5))
    }),
    { numRuns: 200 },
  )
})

test('of a unit that has gone only its own copies move', () => {
  fc.assert(
    fc.property(fc.record(sizes), fc.nat(), ({ units, partitions, copies, names }, which) => {
      const members = grid(units + 1, partitions, copies, names)
      const gone = members.all[which % members.all.length]!
      const lost = new Set(gone.keeps.keys())
      const before = members.all.map(({ keeps }) => new Set(keeps.keys()))
      const others = members.all.filter((member) => member !== gone)
      members.remove(gone)
      members.settle()
      let more = 0
      for (const member of others) {
        const kept = before[member.id - 1]!
        for (const partition of member.keeps.keys())
          if (!kept.has(partition) && !lost.has(partition)) more += 1
      }
      expect(more).toBeLessThanOrEqual(allowance(lost.size))
      const each = Math.min(copies, units)
      for (const holders of members.holders('ready')) expect(holders).toHaveLength(each)
    }),
    { numRuns: 100 },
  )
})

test('a target is its own target', () => {
  fc.assert(
    fc.property(fc.record(sizes), ({ units, partitions, copies, names }) => {
      const members = grid(units, partitions, copies, names)
      const { owners } = targetOf(members.all[0]!.input())
      for (const [partition, holders] of members.holders('ready').entries())
        expect(owners[partition]?.map(({ id }) => id).sort()).toEqual(
          holders.map(({ id }) => id).sort(),
        )
    }),
    { numRuns: 50 },
  )
})

describe('zones', () => {
  test('copies are in zones of their own, as far as there are enough', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        (zones, copies) => {
          const members = new SimulatedMembers(16, copies)
          for (const zone of zones) members.add({ zone })
          members.settle()
          const each = Math.min(copies, zones.length)
          const spread = Math.min(each, new Set(zones).size)
          for (const holders of members.holders('ready')) {
            expect(holders).toHaveLength(each)
            expect(new Set(holders.map(({ zone }) => zone)).size).toBe(spread)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('when a second zone comes, one copy of each partition goes there', () => {
    const members = new SimulatedMembers(16, 2)
    members.add({ zone: 'a' })
    members.add({ zone: 'a' })
    members.settle()
    members.add({ zone: 'b' })
    members.settle()
    for (const holders of members.holders('ready'))
      expect(new Set(holders.map(({ zone }) => zone))).toEqual(new Set(['a', 'b']))
  })
})

test('a unit of three times the capacity keeps three times as much, but never a copy twice', () => {
  const members = new SimulatedMembers(64, 2)
  const large = members.add({ weight: 3 })
  for (let at = 0; at < 5; at++) members.add()
  members.settle()
  expect(large.keeps.size).toBeGreaterThanOrEqual(47)
  expect(large.keeps.size).toBeLessThanOrEqual(49)
  const huge = new SimulatedMembers(16, 2)
  huge.add({ weight: 100 })
  huge.add()
  huge.add()
  huge.settle()
  expect(copiesOn(huge)).toEqual([16, 8, 8])
})

describe('a unit whose memory is full', () => {
  test('takes nothing more, and what nobody takes is missing', () => {
    const members = grid(2, 16, 1)
    const [first, second] = members.all
    first!.full = true
    members.remove(second!)
    members.settle()
    expect(first!.keeps.size).toBe(8)
    expect(planOf(first!.input()).missing).toBe(8)
    const third = members.add()
    members.settle()
    expect(third.keeps.size).toBe(8)
    expect(planOf(first!.input()).missing).toBe(0)
  })

  test('keeps what it has', () => {
    const members = grid(3, 16, 2)
    const before = members.text()
    for (const member of members.all) member.full = true
    members.settle()
    expect(members.text()).toBe(before)
  })
})

test('a unit that stops is relieved before it goes, and is asked last meanwhile', () => {
  const members = grid(3, 16, 1)
  const stopping = members.all[0]!
  expect(stopping.keeps.size).toBeGreaterThan(0)
  stopping.stopping = true
  while (stopping.keeps.size > 0) {
    members.round()
    const keepers = keepersOf(members.keeping())
    for (const partition of stopping.keeps.keys())
      expect(keepers[partition]?.at(-1)?.id).toBe(stopping.id)
    for (const holders of members.holders('ready')) expect(holders.length).toBeGreaterThan(0)
  }
})

test('no more than a few are taken over at the same time, the scarcest first', () => {
  const members = new SimulatedMembers(16, 2)
  const first = members.add()
  for (let round = 0; round < 30; round++) {
    members.round()
    expect([...first.keeps.values()].filter((state) => state === 'joining').length).toBeLessThan(3)
  }
  expect(first.keeps.size).toBe(16)
  const second = members.add()
  first.keeps.delete(11)
  members.round()
  members.round()
  expect(planOf({ ...second.input(), movesMax: 1 }).begin.length).toBeLessThan(2)
  expect(second.keeps.has(11)).toBe(true)
})

// partitions.md, section 4: disagreement for a moment is harmless
test('whatever each has heard of the others, no copy that was ready is lost, and they come to agree', () => {
  fc.assert(
    fc.property(
      fc.record(sizes),
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.array(fc.constantFrom('add', 'stop', 'full', 'room'), { maxLength: 6 }),
      ({ units, partitions, copies, names }, seed, changes) => {
        const random = new SeededRandom(seed)
        const members = grid(units, partitions, copies, names)
        for (const change of changes) {
          const member = members.all[random.below(members.all.length)]!
          if (change === 'add') members.add({ name: `${names}-${random.below(1000)}` })
          else if (change === 'full') member.full = true
          else member.full = false
          for (let round = 0; round < 1 + random.below(8); round++) {
            // A word is told again and again, so the next one is heard before a copy is given up.
            members.round(() => random.chance(0.7))
            for (const holders of members.holders('ready', 'leaving'))
              expect(holders.length).toBeGreaterThan(0)
          }
        }
        for (const member of members.all) member.full = false
        members.settle()
        for (const holders of members.holders('ready'))
          expect(holders.length).toBe(Math.min(copies, members.all.length))
      },
    ),
    { numRuns: 100 },
  )
})
