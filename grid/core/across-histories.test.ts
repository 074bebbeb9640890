import { expect, test } from 'vitest'
import { PartitionWorld } from '../kit/held/partition-world.ts'

/** How many histories, each of 30 commands. */
const seeds = Number(process.env.SEEDS ?? 60)
const first = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))

// docs/decisions/0033: records that come late or never, coordinators that die at every step,
// replicas that begin as copies; each command once and whole, all of them in one order that is also
// the order of time, and nothing is held for ever.
test(`commands across partitions keep their promises: seed ${first}`, {
  timeout: seeds * 5000,
}, () => {
  let across = 0
  let recovered = 0
  const problems = new Map<string, number[]>()
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = new PartitionWorld(seed).run()
    across += outcome.across
    recovered += outcome.recovered
    for (const problem of outcome.problems)
      problems.set(problem, [...(problems.get(problem) ?? []), seed])
  }
  expect(Object.fromEntries(problems)).toEqual({})
  // It is about something.
  expect(across).toBeGreaterThan(seeds * 5)
  expect(recovered).toBeGreaterThan(0)
})
