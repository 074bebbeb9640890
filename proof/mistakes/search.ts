import { ruleOf } from '@spacegrid/proof/simulator/shrink'
import { Coverage } from '@spacegrid/proof/simulator/world/coverage'
import { findingsOfAll, simulateSeed } from 'spacegrid/simulate/simulate-space'
import { groupOfOne } from 'spacegrid/simulate/simulated-group'
import type { Mistake } from './mistake.ts'

export interface Found {
  readonly seed: number
  readonly problem: string
}

/**
 * Runs seeds of a space until something is found, and says in which one. That a command never
 * succeeds is seen in many of them only: it is told of the last one, where it is the mistake that
 * is looked for.
 */
export async function search(
  { simulation, rules }: Mistake,
  isWrong: boolean,
  seeds: Iterable<number>,
): Promise<Found | undefined> {
  const simulated = groupOfOne(simulation(isWrong))
  const coverage = new Coverage()
  for (const seed of seeds) {
    const { problems, coverage: counts } = await simulateSeed(simulated, seed)
    const [problem] = problems
    if (problem !== undefined) return { seed, problem }
    if (isWrong && !rules.includes('never succeeds')) continue
    coverage.add(counts)
    const never = findingsOfAll(simulated, coverage.counts).find(
      (finding) => ruleOf(finding) === 'never succeeds',
    )
    if (never !== undefined) return { seed, problem: never }
  }
  return undefined
}

export function* seedsFrom(from: number, count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield from + at
}
