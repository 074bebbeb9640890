import { calledCommands } from '@spacegrid/grid/core/parts'
import { makePlan, type Plan } from '@spacegrid/proof/simulator/plan/plan'
import { type RunResult, runPlan } from '@spacegrid/proof/simulator/run'
import { ruleOf, shrink } from '@spacegrid/proof/simulator/shrink'
import { tryRun, tryRunQuickly } from '@spacegrid/proof/simulator/try-run'
import type { Workload } from '@spacegrid/proof/simulator/workloads/workload'
import { findingRules, type Simulation } from '../testing/simulation.ts'
import { spaceWorkload } from './space-workload.ts'

export const planOf = ({ space }: Simulation, seed: number): Plan => makePlan(seed, [space.name])

/** Runs one seed: a whole grid with the space in it, and everything that can go wrong. */
export async function simulateSeed(simulation: Simulation, seed: number): Promise<RunResult> {
  return await tryQuickly(planOf(simulation, seed), spaceWorkload(simulation))
}

/** Where mistakes of the application belong to the workload their stacks are taken. */
const tryQuickly = (plan: Plan, workload: Workload): Promise<RunResult> =>
  (workload.mustFail ? tryRun : tryRunQuickly)(plan, () => runPlan(plan, workload))

/** A failing run with whatever is not needed for it left out. */
export interface ShortestRun {
  readonly problem: string
  /** What was asked for, one line each, in order. */
  readonly asked: readonly string[]
  readonly faults: readonly string[]
  /** How many were tried. */
  readonly runs: number
}

const shrinkLimits = { runsMax: 300, msMax: 20_000 }

/** The shortest run that can be found in which the same rule is broken. */
export async function shortestRun(
  simulation: Simulation,
  seed: number,
  problem: string,
): Promise<ShortestRun> {
  const workload = spaceWorkload(simulation)
  const plan = planOf(simulation, seed)
  const rule = ruleOf(problem)
  const run = (one: Plan) => tryQuickly(one, workload)
  const { plan: shortest, runs } = await shrink(plan, rule, shrinkLimits, run)
  const { problems, asked = [] } = await tryRun(shortest, () => runPlan(shortest, workload))
  const faults = shortest.steps.flatMap((step) => {
    if (step.kind !== 'fault') return []
    const { what, ...details } = step.fault
    return [`${step.atMs} ms  ${what} ${JSON.stringify(details)}`]
  })
  const same = problems.find((one) => ruleOf(one) === rule)
  return { problem: same ?? problem, asked, faults, runs }
}

/** So often must a command have been refused before it is said that it never succeeds. */
const refusedMin = 200

/** What only many seeds together show. */
export function findingsOfAll(
  { space, invariants = {}, finally: atEnd = {}, ignore = [] }: Simulation,
  coverage: ReadonlyMap<string, number>,
): string[] {
  const count = (what: string) => coverage.get(what) ?? 0
  const never = calledCommands(space).flatMap(({ name }) => {
    const refused = count(`command ${name}: rejection`)
    if (count(`command ${name}: answer`) > 0 || refused < refusedMin) return []
    return [
      `never succeeds: command ${name} was refused each of ${refused} times; if it is right, ` +
        'give it a generator of inputs, or a setup',
    ]
  })
  const unexercised = Object.keys({ ...invariants, ...atEnd })
    .filter((name) => count(`invariant ${name}: saw entries`) === 0)
    .map((name) =>
      count(`invariant ${name}: asked`) === 0
        ? `never exercised: invariant ${name} was never asked`
        : `never exercised: invariant ${name} has seen no entry in any run`,
    )
  const ignored = new Set<string>(ignore)
  return [...never, ...unexercised].filter((problem) => !ignored.has(ruleOf(problem)))
}

/** Whether it is the application's: anything else is broken in the grid itself. */
export const isOfApplication = (problem: string): boolean =>
  (findingRules as readonly string[]).includes(ruleOf(problem))
