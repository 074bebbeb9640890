import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { createTicketing } from '@spacegrid/ticketing/space'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineSimulation } from '../testing/simulation.ts'
import { findingsOfAll, isOfApplication, shortestRun, simulateSeed } from './simulate-space.ts'
import { groupOfOne } from './simulated-group.ts'

const seats = defineCache('seats', {
  schema: Type.Object({ id: Type.String(), sold: Type.Integer() }),
  key: 'id',
  indexes: { all: ['id'] },
})
const sell = (isWrong: boolean) =>
  defineCommand('sell', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      const { sold } = (isWrong ? tx.peek(seats, id) : tx.get(seats, id)) ?? { sold: 0 }
      if (sold >= 2) tx.reject('sold_out')
      tx.put(seats, { id, sold: sold + 1 })
      tx.emit('Sold', { id })
      return { sold: sold + 1 }
    },
  })
const look = defineQuery('look', {
  input: Type.Object({ id: Type.String() }),
  handler: (read, { id }) => read.get(seats, id) ?? read.notFound(id),
})
const simulationOf = (isWrong: boolean) => groupOfOne(simulationWith(isWrong))
const simulationWith = (isWrong: boolean) =>
  defineSimulation(
    defineSpace('seats', { caches: [seats], commands: [sell(isWrong)], queries: [look] }),
    {
      invariants: {
        limit: (read) =>
          read.range(seats, 'all').every(({ sold }) => sold <= 2) || 'sold too often',
      },
    },
  )

test('the same seed gives the same run, and a clean space is clean', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const first = await simulateSeed(simulationOf(false), seed)
    const again = await simulateSeed(simulationOf(false), seed)
    expect([seed, first.problems]).toEqual([seed, []])
    expect([seed, again.digest, again.asked]).toEqual([seed, first.digest, first.asked])
    expect(first.coverage.get('invariant limit: asked')).toBeGreaterThan(0)
  }
})

test('a mistake is found, and the shortest run that shows it', async () => {
  const simulation = simulationOf(true)
  for (let seed = 1; seed <= 50; seed++) {
    const [problem] = (await simulateSeed(simulation, seed)).problems
    if (problem === undefined) continue
    expect(problem).toMatch(/^lost update: command sell: replaces seats\//)
    expect(isOfApplication(problem)).toBe(true)
    const { asked, problem: same } = await shortestRun(simulation, seed, problem)
    expect(same).toMatch(/^lost update: /)
    expect(asked.length).toBeGreaterThanOrEqual(2)
    expect(asked.length).toBeLessThan(25)
    return
  }
  throw new Error('it was not found in 50 seeds')
})

test('the ticketing space is simulated with inputs made from its schemas alone', async () => {
  const ticketing = defineSimulation(createTicketing({ holdMs: 1500 }), {
    setup: [
      [
        'createEvent',
        {
          ...{ eventId: 'a', name: 'Concert', startsAt: 1_900_000_000_000 },
          sections: [{ section: 'a', rows: 2, seatsPerRow: 3, price: 100 }],
        },
      ],
    ],
    weights: { createEvent: 0.05 },
    inputs: {
      holdBestAvailable: (make) =>
        fc.record({
          ...{ eventId: fc.constant('a'), section: fc.constant('a') },
          ...{ customerId: make.text('customer'), quantity: fc.integer({ min: 1, max: 3 }) },
        }),
    },
  })
  const simulation = groupOfOne(ticketing)
  const counts = new Map<string, number>()
  for (let seed = 1; seed <= 5; seed++) {
    const { problems, coverage } = await simulateSeed(simulation, seed)
    expect([seed, problems]).toEqual([seed, []])
    for (const [what, count] of coverage) counts.set(what, (counts.get(what) ?? 0) + count)
  }
  expect(counts.get('command holdBestAvailable: answer')).toBeGreaterThan(0)
  expect(findingsOfAll(simulation, counts)).toEqual([])
})

test('what many seeds together show', () => {
  const simulation = simulationOf(false)
  const never = new Map([['command sell: rejection', 260]])
  expect(findingsOfAll(simulation, never)).toEqual([
    expect.stringMatching('^never succeeds: command sell was refused each of 260 times'),
    'never exercised: invariant limit was never asked',
  ])
  const seen = new Map([
    ['command sell: answer', 1],
    ['invariant limit: asked', 9],
  ])
  expect(findingsOfAll(simulation, seen)).toEqual([
    'never exercised: invariant limit has seen no entry in any run',
  ])
  const ignoring = { ...simulationWith(false), ignore: ['never exercised'] as const }
  expect(findingsOfAll(groupOfOne(ignoring), seen)).toEqual([])
})

test('a simulation names what its space has', () => {
  const { space } = simulationWith(false)
  expect(() => defineSimulation(space, { weights: { buy: 1 } })).toThrow('weights names buy')
})
