import { dividedWorkload, makeDividedPlan } from './divided/plan.ts'
import { runDivided } from './divided/run.ts'
import { type AnyPlan, isDivided, isReacting } from './plan/any-plan.ts'
import { makePlan, type Plan } from './plan/plan.ts'
import { makeReactingPlan, reactingWorkload } from './reacting/plan.ts'
import { runShop } from './reacting/run.ts'
import { type RunResult, runPlan } from './run.ts'
import { tryRun, tryRunQuickly } from './try-run.ts'
import { workloads } from './workloads/all-workloads.ts'
import type { Workload } from './workloads/workload.ts'

const undivided: readonly string[] = workloads.map(({ name }) => name)

export const workloadNames: readonly string[] = [...undivided, dividedWorkload, reactingWorkload]

/** One seed in so many is of a divided space, unless a workload is asked for. */
const dividedEvery = 3
/** And one of so many of two spaces, of which one reacts on the other. */
const reactingEvery = 8

export function planOf(seed: number, workload?: string): AnyPlan {
  const isReactingSeed = workload === undefined && seed % reactingEvery === 1
  if (isReactingSeed || workload === reactingWorkload) return makeReactingPlan(seed)
  const isOne = workload === undefined && seed % dividedEvery === 0
  if (isOne || workload === dividedWorkload) return makeDividedPlan(seed)
  return makePlan(seed, workload === undefined ? undivided : [workload])
}

export const tryPlan = async <P extends AnyPlan>(plan: P, keepTrace = false): Promise<RunResult> =>
  await tryRun(plan, () => run(plan, keepTrace))

export async function tryQuickly(plan: AnyPlan): Promise<RunResult> {
  const isOfStacks = isOfOneLog(plan) && workloadOf(plan).mustFail !== undefined
  return isOfStacks ? await tryPlan(plan) : await tryRunQuickly(plan, () => run(plan, false))
}

function run(plan: AnyPlan, keepTrace: boolean): Promise<RunResult> {
  if (isDivided(plan)) return runDivided(plan, keepTrace)
  if (isReacting(plan)) return runShop(plan, keepTrace)
  return runPlan(plan, workloadOf(plan), keepTrace)
}

const isOfOneLog = (plan: AnyPlan): plan is Plan => !isDivided(plan) && !isReacting(plan)

function workloadOf(plan: Plan): Workload {
  const workload = workloads.find(({ name }) => name === plan.workload)
  if (!workload) throw new Error(`there is no workload ${plan.workload}`)
  return workload
}
