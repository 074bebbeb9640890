import type { Plan } from './plan/plan.ts'
import { type RunResult, runPlan } from './run.ts'
import type { Workload } from './workloads/workload.ts'

/** What nobody has caught: of whichever run it was that was under way. */
const stray: string[] = []
const describe = (error: unknown): string => String((error as Error)?.stack ?? error)

/**
 * Errors that nobody catches are bugs of the run they come from; from now on they are told of it
 * instead of ending the process.
 */
export function catchStrayErrors(): void {
  process.on('unhandledRejection', (error) => stray.push(describe(error)))
  process.on('uncaughtException', (error) => stray.push(describe(error)))
}

/** Runs a plan; whatever goes wrong in it is among its problems. */
export async function tryRun(
  plan: Plan,
  workload: Workload,
  keepTrace = false,
): Promise<RunResult> {
  stray.length = 0
  const result = await runPlan(plan, workload, keepTrace).catch(
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

/**
 * The same for less: nobody reads the stacks of errors in a run in which all is well, so they are
 * not taken, and a run that fails is run again with them. Not where mistakes of the application
 * belong to the workload: their stacks say where they are.
 */
export async function tryRunQuickly(plan: Plan, workload: Workload): Promise<RunResult> {
  if (workload.mustFail) return await tryRun(plan, workload)
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const result = await tryRun(plan, workload).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  if (result.problems.length === 0) return result
  const again = await tryRun(plan, workload)
  return again.problems.length > 0 ? again : result
}
