import { calledCommands } from '@spacegrid/grid/core/parts'
import type { DividedWorld } from '@spacegrid/proof/simulator/divided/world'
import { makePlan, type Plan } from '@spacegrid/proof/simulator/plan/plan'
import { makeReactingPlan, type ReactingPlan } from '@spacegrid/proof/simulator/reacting/plan'
import { runReacting } from '@spacegrid/proof/simulator/reacting/run'
import { type RunResult, runPlan } from '@spacegrid/proof/simulator/run'
import { ruleOf, shrink } from '@spacegrid/proof/simulator/shrink'
import { tryRun, tryRunQuickly } from '@spacegrid/proof/simulator/try-run'
import { findingRules, type Simulation } from '../testing/simulation.ts'
import { ReactingSpaces, simulatedTogether } from './reacting-spaces.ts'
import { alone, reacts, type SimulatedGroup } from './simulated-group.ts'
import { spaceWorkload } from './space-workload.ts'

type AnyPlan = Plan | ReactingPlan

/**
 * A group that reacts is simulated by turns: all of it with what follows from its events, and each
 * space alone, where commands of reactions are given as all others are.
 */
const isTogether = (group: SimulatedGroup, seed: number): boolean => reacts(group) && seed % 2 !== 0

function planOf(group: SimulatedGroup, seed: number): AnyPlan {
  const { name, simulations } = group
  return isTogether(group, seed)
    ? makeReactingPlan(seed, name, simulations.length)
    : makePlan(seed, [name])
}

/** Runs one seed: a whole grid with the spaces in it, and everything that can go wrong. */
export const simulateSeed = (group: SimulatedGroup, seed: number): Promise<RunResult> =>
  runOf(group, planOf(group, seed))

/** Where mistakes of the application belong to the workload their stacks are taken. */
async function runOf(group: SimulatedGroup, plan: AnyPlan): Promise<RunResult> {
  if ('partitions' in plan.settings) return await runTogether(group, plan as ReactingPlan)
  const { simulations } = group
  const [first] = simulations as [Simulation]
  const one = simulations[(plan.seed >>> 1) % simulations.length] ?? first
  const workload = spaceWorkload(reacts(group) ? byItself(one) : one)
  return await (workload.mustFail ? tryRun : tryRunQuickly)(plan, () =>
    runPlan(plan as Plan, workload),
  )
}

/** What its invariants say may need what follows from events. */
function byItself(one: Simulation): Simulation {
  const { invariants: _, finally: __, ...simulation } = alone(one)
  return simulation
}

async function runTogether({ simulations }: SimulatedGroup, plan: ReactingPlan) {
  let asked: readonly string[] = []
  const begin = (world: DividedWorld) => {
    const spaces = new ReactingSpaces(world, simulations)
    asked = spaces.asked
    return spaces
  }
  const result = await tryRunQuickly(plan, () => runReacting(plan, begin))
  return { ...result, asked }
}

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
  group: SimulatedGroup,
  seed: number,
  problem: string,
): Promise<ShortestRun> {
  const rule = ruleOf(problem)
  const run = (one: AnyPlan) => runOf(group, one)
  const { plan: shortest, runs } = await shrink(planOf(group, seed), rule, shrinkLimits, run)
  const { problems, asked = [] } = await run(shortest)
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
  group: SimulatedGroup,
  coverage: ReadonlyMap<string, number>,
): string[] {
  const areAsked = !reacts(group) || coverage.has(simulatedTogether)
  return group.simulations.flatMap((one) => findingsOfOne(one, coverage, areAsked))
}

/** @param areAsked whether there was a run in which invariants are asked */
function findingsOfOne(
  { space, invariants = {}, finally: atEnd = {}, ignore = [] }: Simulation,
  coverage: ReadonlyMap<string, number>,
  areAsked: boolean,
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
  const unexercised = Object.keys(areAsked ? { ...invariants, ...atEnd } : {})
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
