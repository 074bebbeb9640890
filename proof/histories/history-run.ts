import { join } from 'node:path'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { findFreePort } from 'spacegrid/servers/free-port'
import { type Fault, FaultPlan } from '../chaos/fault-plan.ts'
import { victimsOf } from '../chaos/victim.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { HistoryClient, type HistoryWork } from './history-client.ts'
import { HistoryRecord } from './history-record.ts'
import { type HistoryVerdict, judgeHistory } from './judge-history.ts'
import { KeyRing } from './key-ring.ts'
import { UnitCallers } from './unit-callers.ts'

export interface HistoryRunOptions {
  readonly units: number
  readonly partitions: number
  readonly seconds: number
  /** Goes on for longer until so many operations have been answered. Default 0. */
  readonly answersMin?: number
  readonly clients: number
  readonly seed: number
  /** Data, logs and `history.jsonl`. */
  readonly folder: string
  readonly told?: (fault: Fault) => void
  /** Ends the run early; what has been seen by then is judged all the same. */
  readonly signal?: AbortSignal
}

export interface HistorySummary extends HistoryVerdict {
  readonly record: HistoryRecord
  readonly kills: ReadonlyMap<string, number>
  readonly pauses: ReadonlyMap<string, number>
  /** Requests sent again, by reason. */
  readonly retried: ReadonlyMap<string, number>
  /** Answers and ends of processes that no fault of the world excuses. */
  readonly bugs: readonly string[]
}

/** Of those that decide what clients see; `npm run chaos` takes the others as well. */
const harmedRoles = ['processing-unit', 'data-pump', 'nats']
const copies = 2
const pauseShare = 0.7
const cycleMs = { min: 200, max: 2000 }
/**
 * From so short that a client still waits for the answer of a unit that wakes and has missed what
 * others did, to longer than a standby waits for the one before it.
 */
const pauseMs = { min: 50, max: 4000, skew: 2 }
const registersActive = 6
const operationsPerRegister = 300
const listsActive = 8
/**
 * What a command across partitions holds others have to wait for: of few lists there would be
 * little to see but waiting.
 */
const listsActiveDivided = 24
const usesPerList = 150
const lookersMax = 8

/**
 * Clients that use registers and lists of a real cluster through different units, while processes
 * of it are killed and paused; then what they saw is judged from outside.
 */
export async function runHistory(options: HistoryRunOptions): Promise<HistorySummary> {
  const { units, partitions, seconds, clients, seed, folder, answersMin = 0, signal } = options
  const ports = await Promise.all(Array.from({ length: units }, () => findFreePort()))
  await using grid = await FaultGrid.start({
    units,
    copies,
    folder,
    application: {
      files: [join(import.meta.dirname, 'space.ts')],
      spaces: ['histories'],
      partitions: { histories: partitions },
    },
    environment: { PARTITIONS: String(partitions) },
    // A door of its own for each: of one that all share nobody knows who stands behind it.
    environmentOf: (name) => {
      const port = ports[Number(/^histories-(\d+)$/.exec(name)?.[1]) - 1]
      return port === undefined ? {} : { PORT: String(port) }
    },
  })
  const record = new HistoryRecord(join(folder, 'history.jsonl'))
  const callers = new UnitCallers(
    ports.map((port) => `http://127.0.0.1:${port}`),
    clients + lookersMax,
  )
  let values = 0
  const work: HistoryWork = {
    callers,
    record,
    registers: new KeyRing('r', registersActive, operationsPerRegister),
    lists: new KeyRing('l', partitions === 1 ? listsActive : listsActiveDivided, usesPerList),
    seen: new Map(),
    nextValue: () => ++values,
  }
  const ending = new AbortController()
  const working = upTo(clients).map((number) =>
    new HistoryClient(number, work, new SeededRandom(seed + number)).run(ending.signal),
  )
  const victims = victimsOf(grid).filter(({ role }) => harmedRoles.includes(role))
  const plan = new FaultPlan(victims, { seed, pauseShare, pauseMs, cycleMs })
  const bugs: string[] = []
  try {
    const until = performance.now() + seconds * 1000
    const isLongEnough = () => performance.now() > until && record.answers >= answersMin
    while (!isLongEnough() && !signal?.aborted) {
      const fault = await plan.cycle()
      record.fault(fault)
      options.told?.(fault)
    }
  } catch (error) {
    // A process that does not come back. What has been seen by then is judged all the same.
    bugs.push((error as Error).message)
  }
  // It tells the same failure again, once all the others are back.
  await plan.recovered().catch(({ message }: Error) => bugs.includes(message) || bugs.push(message))
  ending.abort()
  await Promise.all(working)
  await lookAtAll(work, clients, seed)
  bugs.push(...callers.bugs)
  for (const { settings, ended } of grid.cluster.components)
    if (ended !== undefined) bugs.push(`${settings.name} has ended by itself: ${ended}`)
  await Promise.all([callers.close(), record.close()])
  const verdict = await judgeHistory(record)
  return {
    ...verdict,
    isGood: verdict.isGood && bugs.length === 0,
    record,
    kills: plan.kills,
    pauses: plan.pauses,
    retried: callers.retried,
    bugs,
  }
}

/** What was done to anything and is not there any more shows at the latest now. */
async function lookAtAll(work: HistoryWork, clients: number, seed: number): Promise<void> {
  const looks = [
    ...work.registers.names.map((key) => (by: HistoryClient) => by.lookAtRegister(key)),
    ...work.lists.names.map((key) => (by: HistoryClient) => by.lookAtList(key)),
  ]
  await Promise.all(
    upTo(lookersMax).map(async (each) => {
      const number = clients + each
      const looker = new HistoryClient(number, work, new SeededRandom(seed + number))
      for (let look = looks.pop(); look !== undefined; look = looks.pop()) await look(looker)
    }),
  )
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)
