import { makePlan, type Plan } from './plan/plan.ts'
import { type RunResult, runPlan } from './run.ts'
import { workloads } from './workloads/all-workloads.ts'

/** What nobody has caught: of whichever run it was that was under way. */
const stray: string[] = []
const describe = (error: unknown): string => String((error as Error)?.stack ?? error)

/** Errors that nobody catches are bugs of the run they come from; from now on they are told of it instead of ending the process. */
export function catchStrayErrors(): void {
  process.on('unhandledRejection', (error) => stray.push(describe(error)))
  process.on('uncaughtException', (error) => stray.push(describe(error)))
}

export const workloadNames: readonly string[] = workloads.map(({ name }) => name)

export const planOf = (seed: number, workload?: string): Plan =>
  makePlan(seed, workload === undefined ? workloadNames : [workload])

/**
 * The same for less: nobody reads the stacks of errors in a run in which all is well, so they are not taken, and a run that fails is run again with
 * them. Not where mistakes of the application belong to the workload: their stacks say where they are.
 */
export async function tryQuickly(plan: Plan): Promise<RunResult> {
  if (workloads.some(({ name, mustFail }) => name === plan.workload && mustFail))
    return await tryPlan(plan)
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const result = await tryPlan(plan).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  if (result.problems.length === 0) return result
  const again = await tryPlan(plan)
  return again.problems.length > 0 ? again : result
}

/** Runs a plan; whatever goes wrong in it is among its problems. */
export async function tryPlan(plan: Plan, keepTrace = false): Promise<RunResult> {
  stray.length = 0
  const result = await runPlan(plan, keepTrace).catch(
    (error): RunResult => ({
      seed: plan.seed,
      workload: plan.workload,
      problems: [`simulator: ${describe(error)}`],
      digest: '',
      trace: [],
      coverage: new Map(),
    }),
  )
  // Node tells of rejections that nobody handles when it has nothing else to do.
  await new Promise((resolve) => setImmediate(resolve))
  if (stray.length === 0) return result
  return {
    ...result,
    problems: [...result.problems, ...stray.map((error) => `uncaught: ${error}`)],
  }
}
