import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedEnvironment } from '@spacegrid/grid/adapters/embedded/embedded-environment'
import { EmbeddedLog } from '@spacegrid/grid/adapters/embedded/embedded-log'
import { InProcessMessaging } from '@spacegrid/grid/adapters/embedded/in-process-messaging'
import { JetStreamLog } from '@spacegrid/grid/adapters/nats/jetstream-log'
import { SystemClock } from '@spacegrid/grid/adapters/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/adapters/system/system-random'
import type { Log } from '@spacegrid/grid/ports/log'
import { streams, subjects } from '@spacegrid/grid/records/subjects'
import { ProcessingUnit, type ProcessingUnitOptions } from '@spacegrid/grid/unit/processing-unit'
import { startServers } from '@spacegrid/local/servers/start-servers'
import { benchSpace } from './bench-space.ts'

export type LogKind = 'embedded' | 'nats'

/** One unit with entries in it, on a log of its own. */
export interface BenchUnit {
  readonly unit: ProcessingUnit
  /** Says what the log is, and how it syncs. */
  readonly log: string
  close(): Promise<void>
}

const loadBatch = 5_000

export async function openBenchUnit(
  kind: LogKind,
  entries: number,
  options: ProcessingUnitOptions = {},
): Promise<BenchUnit> {
  const clock = new SystemClock()
  const messaging = new InProcessMessaging(clock)
  const name = `bench${process.pid}n${Date.now().toString(36)}`
  const opened = kind === 'nats' ? await openNats(name) : await openEmbedded(name, clock)
  const unit = new ProcessingUnit(
    'bench',
    benchSpace(name),
    { log: opened.log, messaging, clock, random: new SystemRandom() },
    // As in production: entries are not frozen, nothing else differs.
    { sources: ['log'], freeze: false, ...options },
  )
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  for (let from = 0; from < entries; from += loadBatch)
    await unit.execute('load', { from, count: Math.min(loadBatch, entries - from) })
  return {
    unit,
    log: opened.description,
    close: async () => {
      await unit.stop()
      await opened.close()
    },
  }
}

interface OpenedLog {
  readonly log: Log
  readonly description: string
  close(): Promise<void>
}

async function openEmbedded(name: string, clock: SystemClock): Promise<OpenedLog> {
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-bench-'))
  const environment = new EmbeddedEnvironment(folder)
  const log = new EmbeddedLog(environment, name, clock)
  return {
    log,
    description: 'embedded (LMDB), disk synced before every acknowledgement',
    close: async () => {
      await log.close()
      await environment.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** `NATS_URL`, or a server of its own with the settings that the project ships. */
async function openNats(name: string): Promise<OpenedLog> {
  const given = process.env.NATS_URL
  const folder = given ? undefined : await mkdtemp(join(tmpdir(), 'spacegrid-bench-'))
  const servers = folder
    ? await startServers({ dataDirectory: folder, which: ['nats'] })
    : undefined
  const log = await JetStreamLog.open(given ?? servers?.get('nats')?.url ?? '', {
    stream: streams.log(name),
    subject: subjects.log(name),
  })
  return {
    log,
    description: given
      ? 'JetStream at NATS_URL (its own sync settings)'
      : 'JetStream (nats-server, file, R1), disk synced before every acknowledgement',
    close: async () => {
      await log.close()
      for (const server of servers?.values() ?? []) await server.stop()
      if (folder) await rm(folder, { recursive: true })
    },
  }
}
