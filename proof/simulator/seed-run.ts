import { makePlan, type Plan } from './plan/plan.ts'
import type { RunResult } from './run.ts'
import { tryRun, tryRunQuickly } from './try-run.ts'
import { workloads } from './workloads/all-workloads.ts'
import type { Workload } from './workloads/workload.ts'

export const workloadNames: readonly string[] = workloads.map(({ name }) => name)

export const planOf = (seed: number, workload?: string): Plan =>
  makePlan(seed, workload === undefined ? workloadNames : [workload])

export const tryPlan = async (plan: Plan, keepTrace = false): Promise<RunResult> =>
  await tryRun(plan, workloadOf(plan), keepTrace)

export const tryQuickly = async (plan: Plan): Promise<RunResult> =>
  await tryRunQuickly(plan, workloadOf(plan))

function workloadOf(plan: Plan): Workload {
  const workload = workloads.find(({ name }) => name === plan.workload)
  if (!workload) throw new Error(`there is no workload ${plan.workload}`)
  return workload
}
