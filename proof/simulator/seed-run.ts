import { dividedWorkload, makeDividedPlan } from './divided/plan.ts'
import { runDivided } from './divided/run.ts'
import { type AnyPlan, isDivided } from './plan/any-plan.ts'
import { makePlan, type Plan } from './plan/plan.ts'
import { type RunResult, runPlan } from './run.ts'
import { tryRun, tryRunQuickly } from './try-run.ts'
import { workloads } from './workloads/all-workloads.ts'
import type { Workload } from './workloads/workload.ts'

const undivided: readonly string[] = workloads.map(({ name }) => name)

export const workloadNames: readonly string[] = [...undivided, dividedWorkload]

/** One seed in so many is of a divided space, unless a workload is asked for. */
const dividedEvery = 3

export function planOf(seed: number, workload?: string): AnyPlan {
  const isOne = workload === undefined && seed % dividedEvery === 0
  if (isOne || workload === dividedWorkload) return makeDividedPlan(seed)
  return makePlan(seed, workload === undefined ? undivided : [workload])
}

export const tryPlan = async <P extends AnyPlan>(plan: P, keepTrace = false): Promise<RunResult> =>
  await tryRun(plan, () => run(plan, keepTrace))

export async function tryQuickly(plan: AnyPlan): Promise<RunResult> {
  const isOfStacks = !isDivided(plan) && workloadOf(plan).mustFail !== undefined
  return isOfStacks ? await tryPlan(plan) : await tryRunQuickly(plan, () => run(plan, false))
}

const run = (plan: AnyPlan, keepTrace: boolean): Promise<RunResult> =>
  isDivided(plan) ? runDivided(plan, keepTrace) : runPlan(plan, workloadOf(plan), keepTrace)

function workloadOf(plan: Plan): Workload {
  const workload = workloads.find(({ name }) => name === plan.workload)
  if (!workload) throw new Error(`there is no workload ${plan.workload}`)
  return workload
}
