import { setMaxListeners } from 'node:events'
import { GridClient, type GridClientOptions } from '../client/index.ts'
import { type ArrivalProcess, arrivalTimesMs } from './arrivals.ts'
import type { WatchedProcess } from './found/find-grid.ts'
import { Measurements } from './measurements.ts'
import { runOpenLoop } from './open-loop.ts'
import { poolTransport } from './pool-transport.ts'
import { type ProgressOptions, showProgress } from './progress.ts'
import { seededRandom } from './random.ts'
import type { RateCurve } from './rate-curve.ts'
import { type AuditCheck, check } from './scenario/audit-check.ts'
import { Checks } from './scenario/checks.ts'
import { journeyDraw } from './scenario/journey-draw.ts'
import { OpenCommands } from './scenario/open-commands.ts'
import type { Scenario, ScenarioDefinition } from './scenario/scenario.ts'
import { RunOver, User, type UserContext } from './scenario/user.ts'
import type { ServerFigures } from './servers/server-figures.ts'
import { ServerWatch } from './servers/server-watch.ts'

export interface LoadPlan {
  readonly url: URL
  readonly scenario: ScenarioDefinition
  readonly curve: RateCurve
  readonly arrivals: ArrivalProcess
  readonly seed: number
  /** Distinguishes this run's events and keys from any other's. */
  readonly runId: string
  /** Distinct users; undefined: every arrival is another one. */
  readonly users: number | undefined
  /** Mean time that a user thinks before a decision, in ms. */
  readonly thinkMs: number
  /** How long users may go on after the last arrival. In ms. */
  readonly drainMs: number
  readonly client: ClientPlan
  /** Processes of the grid that say how they are. */
  readonly processes: () => Promise<readonly WatchedProcess[]>
}

/** How users send; every limit is said. */
export type ClientPlan = Required<
  Omit<GridClientOptions, 'random' | 'transport' | 'waitingRoom' | 'credential'>
>

export interface LoadOutcome {
  readonly measurements: Measurements
  readonly checks: readonly AuditCheck[]
  readonly interrupted: boolean
  readonly servers: ServerFigures
}

/** Random streams that are not users'. Users count from zero. */
const scheduleStream = -1
const retryStream = -2
const dataStream = -3

/**
 * Finding out what became of unanswered confirmations may take this long; what is open then stays
 * open. In ms.
 */
const settlingMs = 60_000

/**
 * The audit must not fail for a moment's overload after the run, nor for a unit that is just being
 * replaced.
 */
const auditRetry = { retriesMax: 30, retryAfterMaxMs: 30_000 }

/**
 * One run from the first arrival to the audit. It ends in bounded time whatever the grid does: the
 * schedule's length, the drain, the settling and the audit's own timeouts.
 *
 * @param interrupt ends the arrivals early; users already there finish, and the audit follows
 * @throws Error when the scenario cannot be prepared, or has nothing that anybody could do
 */
export async function runLoad(
  plan: LoadPlan,
  interrupt: AbortSignal,
  stream: NodeJS.WriteStream,
): Promise<LoadOutcome> {
  const random = seededRandom(plan.seed, retryStream)
  const { scenario, runId: id, users, seed } = plan
  const started = scenario.start({ id, users, random: seededRandom(seed, dataStream) })
  const draw = journeyDraw(started.journeys)
  const auditClient = clientOf(plan, { retry: auditRetry, random })
  const preparingClient = clientOf(plan, { random })
  try {
    await started.prepare?.(preparingClient)
    const { visitErrors, checks, open, ...visited } = await visitAll(plan, draw, interrupt, stream)
    const settle = () => open.settle(auditClient, scenario.space, AbortSignal.timeout(settlingMs))
    const audited = await auditAll(started, auditClient, settle, visitErrors)
    return {
      ...{ ...visited, interrupted: interrupt.aborted },
      checks: [...checks.results, ...audited],
    }
  } finally {
    await preparingClient.stop()
    await auditClient.stop()
  }
}

function clientOf({ url, client }: LoadPlan, options: GridClientOptions): GridClient {
  const { openMax: connections, timeoutMs } = client
  const transport = poolTransport(url.origin, { connections, timeoutMs })
  return new GridClient(url, { ...client, ...options, transport })
}

interface Visited {
  readonly measurements: Measurements
  readonly visitErrors: readonly string[]
  readonly servers: ServerFigures
  readonly checks: Checks
  readonly open: OpenCommands
}

async function visitAll(
  plan: LoadPlan,
  draw: ReturnType<typeof journeyDraw>,
  interrupt: AbortSignal,
  stream: NodeJS.WriteStream,
): Promise<Visited> {
  const startedMs = performance.now()
  const now = (): number => performance.now() - startedMs
  const measurements = new Measurements(now)
  const random = seededRandom(plan.seed, retryStream)
  const client = clientOf(plan, { random })
  const over = new AbortController()
  // Every thinking user listens: thousands are meant, not a leak.
  setMaxListeners(0, over.signal)
  const { runId, scenario, users, thinkMs } = plan
  const [open, checks] = [new OpenCommands(), new Checks()]
  const context: UserContext = {
    ...{ client, measurements, open, checks, now, runId, users, thinkMs },
    space: scenario.space,
    signal: over.signal,
  }
  const visits = new Set<Promise<void>>()
  const visitErrors: string[] = []
  const progress: ProgressOptions = {
    measurements,
    durationSeconds: plan.curve.durationSeconds,
    now,
    open: () => client.open,
    stream,
  }
  const shown = showProgress(progress)
  const watch = new ServerWatch({ processes: plan.processes, now })
  watch.start()
  const start = (intendedMs: number, index: number): void => {
    measurements.arrival(intendedMs)
    const user = new User(context, index, intendedMs, seededRandom(plan.seed, index))
    const visit: Promise<void> = draw(user.random)
      .visit(user)
      .catch((error: unknown) => {
        if (error instanceof RunOver) return
        visitErrors.push(`user ${index}: ${error instanceof Error ? error.message : String(error)}`)
      })
      .finally(() => visits.delete(visit))
    visits.add(visit)
  }
  try {
    const schedule = seededRandom(plan.seed, scheduleStream)
    const times = arrivalTimesMs(plan.curve, plan.arrivals, schedule)
    await runOpenLoop(times, start, { now, signal: interrupt })
    await finish(visits, plan.drainMs)
  } finally {
    over.abort()
    await client.stop()
    await Promise.all(visits)
    shown.stop()
  }
  return { measurements, visitErrors, checks, open, servers: await watch.stop() }
}

/** Waits for all users, but not longer than the drain. */
async function finish(visits: ReadonlySet<Promise<void>>, drainMs: number): Promise<void> {
  const { promise: drained, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, drainMs)
  await Promise.race([Promise.all(visits), drained])
  clearTimeout(timer)
}

async function auditAll(
  { audit }: Scenario,
  client: GridClient,
  settle: () => Promise<void>,
  visitErrors: readonly string[],
): Promise<AuditCheck[]> {
  const promise = 'every answer kept to the contract'
  const contract = check(promise, visitErrors, 'no user met another')
  try {
    await settle()
    return [...((await audit?.(client)) ?? []), contract]
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return [{ promise: 'the audit can be carried out', passed: false, detail }, contract]
  }
}
