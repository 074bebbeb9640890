import type { BenchServers } from '../processes/bench-servers.ts'
import { RunningSubject, runTogether } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { natsUrl, newSpaceName } from './bench-unit.ts'

/** Units in a process each, on one log of JetStream, all at work at the same time. */
export interface SeveralUnitsTask {
  readonly name: string
  readonly units: number
  /** Of each unit. */
  readonly inFlight: number
  /** Of `subjects/processing-unit.ts`. */
  readonly operation: string
}

/**
 * Entries of about 100 bytes; each command reads one and writes it. "Different keys": each unit has
 * its own.
 */
export const severalUnitsTasks: readonly SeveralUnitsTask[] = [
  { name: 'two units, different keys, handler', units: 2, inFlight: 256, operation: 'touchSmall' },
  { name: 'two units, different keys, operation', units: 2, inFlight: 256, operation: 'bumpSmall' },
  { name: 'two units, one key, handler', units: 2, inFlight: 256, operation: 'hotHandler' },
  { name: 'two units, one key, operation', units: 2, inFlight: 256, operation: 'hotOperation' },
  { name: 'two units, one hot entry, handler', units: 2, inFlight: 8, operation: 'hotHandler' },
  {
    name: 'four units, one hot entry, operation',
    units: 4,
    inFlight: 64,
    operation: 'hotOperation',
  },
]

/** So many units of one space, each in its process; the first one has written the entries. */
export async function startUnits(
  servers: BenchServers,
  units: number,
  entries: number,
): Promise<RunningSubject[]> {
  const shared = { natsUrl: await natsUrl(servers), space: newSpaceName(), of: units, entries }
  const started: RunningSubject[] = []
  for (let number = 0; number < units; number++)
    started.push(
      await RunningSubject.start(
        `unit ${number}`,
        new URL('../subjects/processing-unit.ts', import.meta.url),
        { ...shared, number },
      ),
    )
  return started
}

/** Units that are there already are used again: a task takes the first ones of them. */
export function runSeveralUnits(
  units: readonly RunningSubject[],
  task: SeveralUnitsTask,
  timeMs: number,
): Promise<RunResult> {
  return runTogether(units.slice(0, task.units), task.operation, {
    inFlight: task.inFlight,
    ms: timeMs,
    warmupMs: Math.max(100, timeMs / 2),
  })
}
