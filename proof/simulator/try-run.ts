import type { RunResult } from './run.ts'

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

/** What a run is known by. */
interface Planned {
  readonly seed: number
  readonly workload: string
}

/** Runs a plan; whatever goes wrong in it is among its problems. */
export async function tryRun(
  { seed, workload }: Planned,
  run: () => Promise<RunResult>,
): Promise<RunResult> {
  stray.length = 0
  const result = await run().catch(
    (error): RunResult => ({
      seed,
      workload,
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
 * not taken, and a run that fails is run again with them. Not for runs in which stacks say where
 * mistakes of the application are.
 */
export async function tryRunQuickly(
  planned: Planned,
  run: () => Promise<RunResult>,
): Promise<RunResult> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const result = await tryRun(planned, run).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  if (result.problems.length === 0) return result
  const again = await tryRun(planned, run)
  return again.problems.length > 0 ? again : result
}
