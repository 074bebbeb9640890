import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import { EmbeddedLog } from '@spacegrid/grid/drivers/embedded/embedded-log'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { ProcessingUnitOptions } from '@spacegrid/runtime/processing-unit-options'
import type { BenchServers } from '../processes/bench-servers.ts'
import { benchSpace, loadEntries } from './bench-space.ts'

export type LogKind = 'embedded' | 'nats'

/** One unit with entries in it, on a log of its own, in this process. */
export interface BenchUnit {
  readonly unit: ProcessingUnit
  /** Says what the log is, and how it syncs. */
  readonly log: string
  close(): Promise<void>
}

export async function openBenchUnit(
  kind: LogKind,
  entries: number,
  servers: BenchServers,
  options: ProcessingUnitOptions = {},
): Promise<BenchUnit> {
  const clock = new SystemClock()
  const messaging = new InProcessMessaging(clock)
  const name = newSpaceName()
  const opened =
    kind === 'nats' ? await openNats(name, servers) : await openEmbedded(name, clock, servers)
  const unit = new ProcessingUnit(
    'bench',
    benchSpace(name),
    { log: opened.log, messaging, clock, random: new SystemRandom() },
    // As in production: entries are not frozen, nothing else differs.
    { sources: ['log'], ...options },
  )
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  await loadEntries(unit, entries)
  return {
    unit,
    log: opened.description,
    close: async () => {
      await unit.stop()
      await opened.close()
    },
  }
}

let lastSpace = 0

/**
 * A space of its own for each measurement that needs one, on servers that others may use as well.
 */
export const newSpaceName = (): string =>
  `bench${process.pid}n${Date.now().toString(36)}x${++lastSpace}`

interface OpenedLog {
  readonly log: Log
  readonly description: string
  close(): Promise<void>
}

async function openEmbedded(
  name: string,
  clock: SystemClock,
  servers: BenchServers,
): Promise<OpenedLog> {
  const environment = new EmbeddedEnvironment(await servers.folder())
  const log = new EmbeddedLog(environment, name, clock)
  return {
    log,
    description: 'embedded (LMDB), disk synced before every acknowledgement',
    close: async () => {
      await log.close()
      await environment.close()
    },
  }
}

/** `NATS_URL`, or a server of its own with the settings that the project ships. */
export async function natsUrl(servers: BenchServers): Promise<string> {
  return process.env.NATS_URL ?? (await servers.url('nats'))
}

export const natsDescription = process.env.NATS_URL
  ? 'JetStream at NATS_URL (its own sync settings)'
  : 'JetStream (nats-server, file, R1), disk synced before every acknowledgement'

async function openNats(name: string, servers: BenchServers): Promise<OpenedLog> {
  const log = await JetStreamLog.open(await natsUrl(servers), {
    stream: streams.log(name),
    subject: subjects.log(name),
  })
  return { log, description: natsDescription, close: () => log.close() }
}
