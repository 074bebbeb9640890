import type { BenchServers } from '../processes/bench-servers.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import { allocatedPerOperation } from './allocation.ts'
import { type LogKind, natsDescription, openBenchUnit } from './bench-unit.ts'
import { doorTasks, OpenDoors } from './doors.ts'
import { measure, type Timing } from './measure.ts'
import type { Measurement } from './results.ts'
import { runSeveralUnits, severalUnitsTasks, startUnits } from './several-units.ts'
import { tasksFor } from './tasks.ts'

export interface HotPathOptions {
  readonly entries: number
  /** Of each run, ms. */
  readonly time: number
  readonly runs: number
  readonly concurrency: readonly number[]
  readonly logs: readonly LogKind[]
  /** Only tasks whose name contains this. */
  readonly only: string
}

/** Rare work in the background must not weigh more than it does in the long run. */
const allocationMs = (timeMs: number) => Math.min(timeMs, 100)

/** Every measurement of the hot path, as soon as it is there. */
export async function* measureHotPath(
  servers: BenchServers,
  options: HotPathOptions,
): AsyncGenerator<Measurement> {
  yield* inProcess(servers, options)
  if (!options.logs.includes('nats')) return
  yield* throughDoors(servers, options)
  yield* ofSeveralUnits(servers, options)
}

async function* inProcess(
  servers: BenchServers,
  options: HotPathOptions,
): AsyncGenerator<Measurement> {
  const { entries, time, concurrency: concurrencies } = options
  for (const [i, kind] of options.logs.entries()) {
    // What does not commit is the same whatever the log is.
    const tasks = tasksFor(entries).filter(
      ({ name, commits }) => name.includes(options.only) && (commits || i === 0),
    )
    if (tasks.length === 0) continue
    const { unit, log, close } = await openBenchUnit(kind, entries, servers)
    for (const task of tasks)
      for (const concurrency of concurrencies) {
        const run = (turn: number) => task.run(unit, turn)
        const timing = await median(options.runs, () =>
          measure(task.name, run, concurrency, time, () => unit.status().collisions),
        )
        const bytes = await allocatedPerOperation(run, concurrency, allocationMs(time))
        const allocatedBytes = Math.round(bytes)
        yield {
          task: task.name,
          log: task.commits ? log : 'none',
          concurrency,
          ...timing,
          allocatedBytes,
        }
      }
    await close()
  }
}

async function* throughDoors(
  servers: BenchServers,
  options: HotPathOptions,
): AsyncGenerator<Measurement> {
  const tasks = doorTasks.filter(({ name }) => name.includes(options.only))
  if (tasks.length === 0) return
  const doors = await OpenDoors.open(servers, options.entries)
  for (const task of tasks)
    for (const concurrency of options.concurrency) {
      const timing = await median(options.runs, () =>
        doors.measure(task, concurrency, options.time),
      )
      const log = task.operation === 'command' ? natsDescription : 'none'
      yield { task: task.name, log, concurrency, ...timing }
    }
  await doors.close()
}

async function* ofSeveralUnits(
  servers: BenchServers,
  options: HotPathOptions,
): AsyncGenerator<Measurement> {
  const tasks = severalUnitsTasks.filter(({ name }) => name.includes(options.only))
  let units: RunningSubject[] = []
  for (const task of tasks) {
    // Units that only follow cost as much as those that work: each task has just its own.
    if (units.length !== task.units) {
      for (const unit of units) await unit.close()
      units = await startUnits(servers, task.units, options.entries)
    }
    const result = await median(options.runs, () => runSeveralUnits(units, task, options.time))
    const { perSecond, p50, p99, p999, operations, retries } = result
    if (result.failed > 0)
      throw new Error(`${task.name}: ${result.failed} commands have failed: ${result.failure}`)
    yield {
      task: task.name,
      log: natsDescription,
      concurrency: task.inFlight,
      perSecond: Math.round(perSecond),
      p50,
      p99,
      p999,
      operations,
      collisions: retries / operations,
    }
  }
  for (const unit of units) await unit.close()
}

async function median<T extends Pick<Timing, 'perSecond'>>(
  runs: number,
  run: () => Promise<T>,
): Promise<T> {
  const taken: T[] = []
  for (let i = 0; i < runs; i++) taken.push(await run())
  taken.sort((a, b) => a.perSecond - b.perSecond)
  return taken[taken.length >>> 1] as T
}
