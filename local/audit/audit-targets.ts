import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoStore } from '@spacegrid/grid/adapters/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/adapters/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/adapters/nats/nats-messaging'
import { RedisImage } from '@spacegrid/grid/adapters/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/adapters/system/system-clock'
import type { Environment } from '@spacegrid/grid/environment'
import type { Store } from '@spacegrid/grid/ports/store'
import { streams, subjects } from '@spacegrid/grid/records/subjects'
import type { SpaceAuditPorts } from './space-audit.ts'

/** Where a grid's servers are. */
export interface ServerUrls {
  readonly nats: string
  readonly mongodb?: string | undefined
  readonly redis?: string | undefined
}

/** By the environment, or else those of the cluster that was started last in this data directory. */
export async function findServers(environment: Environment): Promise<ServerUrls | undefined> {
  const { NATS_URL: nats, MONGODB_URL: mongodb, REDIS_URL: redis } = environment
  if (nats !== undefined) return { nats, mongodb, redis }
  try {
    const file = await readFile(join(environment.DATA_DIR, 'cluster.json'), 'utf8')
    return (JSON.parse(file) as { urls: ServerUrls }).urls
  } catch {
    // No cluster was ever started here.
    return undefined
  }
}

/** Connections of one audit. */
export class AuditConnections {
  readonly clock = new SystemClock()
  readonly messaging: NatsMessaging
  readonly #urls: ServerUrls
  readonly #store: Store | undefined
  readonly #image: Store | undefined
  readonly #logs: JetStreamLog[] = []

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(urls: ServerUrls, database: string): Promise<AuditConnections> {
    return new AuditConnections(
      urls,
      database,
      await NatsMessaging.open(urls.nats, { name: 'audit' }),
    )
  }

  private constructor(urls: ServerUrls, database: string, messaging: NatsMessaging) {
    this.#urls = urls
    this.messaging = messaging
    this.#store = urls.mongodb ? new MongoStore(urls.mongodb, this.clock, { database }) : undefined
    this.#image = urls.redis ? new RedisImage(urls.redis, this.clock) : undefined
  }

  /** Of a space that somebody holds: its streams are there, and are not created. */
  async portsOf(space: string): Promise<SpaceAuditPorts> {
    const open = async (stream: string, subject: string) => {
      const log = await JetStreamLog.open(this.#urls.nats, { stream, subject, name: 'audit' })
      this.#logs.push(log)
      return log
    }
    return {
      log: await open(streams.log(space), subjects.log(space)),
      changes: await open(streams.changes(space), subjects.changes(space)),
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
