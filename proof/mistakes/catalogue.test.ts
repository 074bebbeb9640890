import { ruleOf } from '@spacegrid/proof/simulator/shrink'
import { expect, test } from 'vitest'
import { catalogue } from './catalogue.ts'
import foundBy from './found-by.json' with { type: 'json' }
import { search, seedsFrom } from './search.ts'

const seeds: Readonly<Record<string, number>> = foundBy
/** What is wrong in no handler: a declaration of the space, which is told by its name. */
const withoutLine = new Set(['invariant', 'never succeeds', 'projection'])

// docs/testing.md: what the simulator finds in the applications of others.
test.each(catalogue.map((one) => [one.name, one] as const))('found: %s', async (name, mistake) => {
  const seed = seeds[name] as number
  // That a command never succeeds is seen in all the runs before it.
  const from = mistake.rules.includes('never succeeds') ? 1 : seed
  const found = await search(mistake, true, seedsFrom(from, seed - from + 1))
  expect(found).toMatchObject({ seed })
  const { problem } = found as { problem: string }
  expect(mistake.rules).toContain(ruleOf(problem))
  // Whatever is wrong in a handler is told with its line.
  if (!withoutLine.has(ruleOf(problem))) expect(problem).toMatch(/mistakes\/spaces\/.*:\d+:\d+\)$/)
})

test.each(catalogue.map((one) => [one.name, one] as const))(
  'nothing is found without it: %s',
  async (name, mistake) => {
    expect(await search(mistake, false, seedsFrom(seeds[name] as number, 1))).toBeUndefined()
  },
)
