import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { keepersOf } from './keepers.ts'
import type { CopyState, Member } from './member.ts'
import { ranking } from './rendezvous.ts'
import { SimulatedMembers } from './test-support/simulated-members.ts'

// Many grids are planned in a test: on a busy machine that takes longer than most.
vi.setConfig({ testTimeout: 60_000 })

const partitions = 24
const state = fc.constantFrom<CopyState | undefined>(undefined, 'joining', 'ready', 'leaving')

/** Any members, whatever they keep: also what no plan would come to. */
const anyMembers = fc
  .array(
    fc.record({
      states: fc.array(state, { minLength: partitions, maxLength: partitions }),
      weight: fc.integer({ min: 1, max: 5 }),
      stopping: fc.boolean(),
      isTwin: fc.boolean(),
    }),
    { maxLength: 7 },
  )
  .map((all) =>
    all.map(({ states, weight, stopping, isTwin }, at): Member => {
      const keeps = states.flatMap((it, partition) => (it ? [[partition, it] as const] : []))
      return {
        // Names may be given twice.
        ...{ id: 1000 - at, name: isTwin ? 'twin' : `unit-${at}`, role: 'unit', zone: undefined },
        ...{ weight, full: false, stopping, keeps: new Map(keeps) },
      }
    }),
  )

const isLasting = ({ stopping, keeps }: Member, partition: number) =>
  !stopping && keeps.get(partition) === 'ready'
const keeping = (members: readonly Member[]) => ({ space: 'shop', partitions, members })

/** By `id`: how many partitions it is home of. */
function homesBy(homes: readonly (Member | undefined)[]): Map<number, number> {
  const counted = new Map<number, number>()
  for (const home of homes) if (home) counted.set(home.id, (counted.get(home.id) ?? 0) + 1)
  return counted
}

/**
 * Whether everything can be given to somebody within these bounds: augmenting paths, one partition
 * after the other, from nothing.
 */
function canBeWithin(candidates: readonly (readonly Member[])[], most: (id: number) => number) {
  const held = new Map<number, number[]>()
  const give = (partition: number, tried: Set<number>): boolean => {
    for (const { id } of candidates[partition] ?? []) {
      if (tried.has(id)) continue
      tried.add(id)
      const its = held.get(id) ?? []
      held.set(id, its)
      if (its.length < most(id)) return its.push(partition) > 0
      for (const [at, other] of its.entries())
        if (give(other, tried)) {
          its[at] = partition
          return true
        }
    }
    return false
  }
  return candidates.every(({ length }, at) => length === 0 || give(at, new Set()))
}

test('everybody who serves a partition is asked, those first that go on keeping it', () => {
  fc.assert(
    fc.property(anyMembers, (members) => {
      for (const [partition, keepers] of keepersOf(keeping(members)).entries()) {
        const serving = members.filter(({ keeps }) =>
          ['ready', 'leaving'].includes(keeps.get(partition) ?? ''),
        )
        expect(keepers.map(({ id }) => id).sort()).toEqual(serving.map(({ id }) => id).sort())
        const lasting = keepers.map((member) => isLasting(member, partition))
        expect(lasting.toSorted((one, other) => Number(other) - Number(one))).toEqual(lasting)
        const others = keepers.slice(1).filter((member) => isLasting(member, partition))
        expect(others).toEqual(ranking(others, `shop.${partition}`))
      }
    }),
  )
})

test('all that see the same choose the same, in whatever order they have heard of it', () => {
  fc.assert(
    fc.property(anyMembers, fc.integer(), (members, seed) => {
      const order = (member: Member) => (member.id * 7919 + seed) % 101
      const other = members.toSorted((a, b) => order(a) - order(b))
      const idsOf = (those: readonly Member[]) =>
        keepersOf(keeping(those)).map((keepers) => keepers.map(({ id }) => id))
      expect(idsOf(other)).toEqual(idsOf(members))
    }),
  )
})

test('nobody is home of more than 1.25 times its share, where that can be; else the first is', () => {
  fc.assert(
    fc.property(anyMembers, (members) => {
      const all = keepersOf(keeping(members))
      const candidates = all.map((keepers, at) => keepers.filter((it) => isLasting(it, at)))
      const homes = all.map(([home], at) => (home && isLasting(home, at) ? home : undefined))
      const placed = homes.filter((home) => home !== undefined).length
      const able = [...new Set(candidates.flat())]
      const weights = able.reduce((sum, { weight }) => sum + weight, 0)
      const most = new Map(
        able.map(({ id, weight }) => [id, Math.ceil((1.25 * placed * weight) / weights - 1e-9)]),
      )
      const counted = homesBy(homes)
      const isWithin = [...most].every(([id, bound]) => (counted.get(id) ?? 0) <= bound)
      expect(isWithin).toBe(canBeWithin(candidates, (id) => most.get(id) ?? 0))
      const firsts = candidates.map((those, at) => ranking(those, `shop.${at}`)[0])
      const isEven = [...homesBy(firsts)].every(([id, count]) => count <= (most.get(id) ?? 0))
      if (isEven) expect(homes).toEqual(firsts)
    }),
    { numRuns: 300 },
  )
})

describe('in a grid that has come to rest', () => {
  const settled = (units: number, of: number, copies: number, names: string) => {
    const members = new SimulatedMembers(of, copies)
    for (let unit = 0; unit < units; unit++) members.add({ name: `${names}-${unit}` })
    members.settle()
    return members
  }
  const homesOf = (members: SimulatedMembers) =>
    keepersOf(members.keeping()).map(([home]) => home?.id)
  const sizes = fc.record({
    units: fc.integer({ min: 2, max: 9 }),
    of: fc.integer({ min: 8, max: 48 }),
    copies: fc.integer({ min: 2, max: 3 }),
    names: fc.string({ minLength: 1, maxLength: 8 }),
  })

  test('no unit is home of more than 1.25 times its share, rounded up', () => {
    fc.assert(
      fc.property(sizes, ({ units, of, copies, names }) => {
        const members = settled(units, of, copies, names)
        const counted = new Map<number | undefined, number>()
        for (const id of homesOf(members)) counted.set(id, (counted.get(id) ?? 0) + 1)
        expect(Math.max(...counted.values())).toBeLessThanOrEqual(Math.ceil((1.25 * of) / units))
      }),
      { numRuns: 25 },
    )
  })

  test('on the average a unit that comes, or goes, moves the homes of its share, and a third of it', () => {
    let [moved, fair] = [0, 0]
    for (let trial = 0; trial < 24; trial++) {
      const units = 3 + (trial % 8)
      const of = 16 * (1 + (trial % 3))
      const members = settled(units, of, 2, `grid ${trial}`)
      const before = homesOf(members)
      const added = members.add({ name: `grid ${trial} one more` })
      members.settle()
      const between = homesOf(members)
      members.remove(trial % 2 === 0 ? added : members.all[0]!)
      members.settle()
      const after = homesOf(members)
      moved += before.filter((home, at) => home !== between[at]).length
      moved += between.filter((home, at) => home !== after[at]).length
      fair += (2 * of) / (units + 1)
    }
    expect(moved / fair).toBeGreaterThan(0.9)
    expect(moved / fair).toBeLessThan(1.4)
  })

  test('the home is the same for everyone, and the next one keeps a copy when it goes', () => {
    const members = settled(4, 16, 2, 'unit')
    for (const [partition, keepers] of keepersOf(members.keeping()).entries()) {
      expect(keepers).toHaveLength(2)
      const others = members.all.filter(({ id }) => id !== keepers[0]?.id)
      const then = keepersOf(members.keeping(others))[partition]
      expect(then?.[0]?.id).toBe(keepers[1]?.id)
    }
  })
})
