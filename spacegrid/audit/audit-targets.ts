import type { LogName } from '@spacegrid/grid/core/log-name'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { logNamesOfAll, namedSpaces } from '@spacegrid/grid/program/named-spaces'
import { readClusterFile } from '../cluster/cluster-file.ts'
import { commandLineOf } from '../servers/process-identity.ts'
import { logsOfServers } from './known-logs.ts'
import type { SpaceAuditPorts } from './space-audit.ts'

/** Where a grid's servers are, and what it holds. */
export interface GridAddress {
  readonly nats?: string | undefined
  readonly mongodb?: string | undefined
  readonly redis?: string | undefined
  readonly logNames: readonly LogName[]
}

/**
 * By the environment, or else that of the cluster that was started last in this data directory, if
 * any process of it is still there.
 */
export async function findGrid(environment: Environment): Promise<GridAddress | undefined> {
  const { NATS_URL: nats, MONGODB_URL: mongodb, REDIS_URL: redis } = environment
  if (nats !== undefined || mongodb !== undefined) {
    const logNames = await logsOfServers({ nats, mongodb }, environment)
    return { nats, mongodb, redis, logNames }
  }
  // A file that nobody can read names no cluster.
  const cluster = await readClusterFile(environment.DATA_DIR).catch(() => undefined)
  if (cluster === undefined) return undefined
  const { urls, spaces, processes } = cluster
  const logNames = spaces.length === 0 ? [] : logNamesOfAll(namedSpaces(spaces.join(',')))
  for (const { pid } of processes) if (await commandLineOf(pid)) return { ...urls, logNames }
  return undefined
}

/** Without NATS nobody can be asked anything. */
export type AuditedServers = Omit<GridAddress, 'nats' | 'logNames'> & { readonly nats: string }

/** Connections of one audit. */
export class AuditConnections {
  readonly clock = new SystemClock()
  readonly messaging: NatsMessaging
  readonly #urls: AuditedServers
  readonly #store: Store | undefined
  readonly #image: Store | undefined
  readonly #logs: JetStreamLog[] = []

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(urls: AuditedServers, database: string): Promise<AuditConnections> {
    return new AuditConnections(
      urls,
      database,
      await NatsMessaging.open(urls.nats, { name: 'audit' }),
    )
  }

  private constructor(urls: AuditedServers, database: string, messaging: NatsMessaging) {
    this.#urls = urls
    this.messaging = messaging
    this.#store = urls.mongodb ? new MongoStore(urls.mongodb, this.clock, { database }) : undefined
    this.#image = urls.redis ? new RedisImage(urls.redis, this.clock) : undefined
  }

  /** Of a space that somebody holds: its streams are there, and are not created. */
  async portsOf(logName: LogName): Promise<SpaceAuditPorts> {
    const open = async (stream: string, subject: string) => {
      const log = await JetStreamLog.open(this.#urls.nats, { stream, subject, name: 'audit' })
      this.#logs.push(log)
      return log
    }
    return {
      log: await open(streams.log(logName), subjects.log(logName)),
      changes: await open(streams.changes(logName), subjects.changes(logName)),
      messaging: this.messaging,
      clock: this.clock,
      ...(this.#store ? { store: this.#store } : {}),
      ...(this.#image ? { image: this.#image } : {}),
    }
  }

  async close(): Promise<void> {
    for (const log of this.#logs.splice(0)) await log.close()
    await Promise.all([this.#store?.close(), this.#image?.close(), this.messaging.close()])
  }
}
