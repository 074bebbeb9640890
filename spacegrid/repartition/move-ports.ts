import { GridError } from '@spacegrid/grid/core/errors'
import { MongoMove } from '@spacegrid/grid/drivers/mongodb/mongo-move'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SpaceStreams } from '@spacegrid/grid/drivers/nats/space-streams'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import type { Environment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'
import { findServers } from '../recover/recovery-grid.ts'

/** What a space is moved on. */
export interface MovePorts {
  readonly store: MongoMove
  readonly streams: SpaceStreams
  readonly messaging: Messaging
  /** The warm image; none where there is no Redis. */
  readonly image?: Store
  readonly clock: Clock
  /** `STREAM_BYTES_MAX` and `STREAM_REPLICAS`, where no stream says what was wanted. */
  readonly streamBytesMax: number
  readonly streamReplicas: number
  close(): Promise<void>
}

/** @throws GridError `configuration_invalid`, `log_unavailable` */
export async function openMovePorts(space: string, environment: Environment): Promise<MovePorts> {
  const grid = (await findGrid(environment)) ?? (await findServers(environment))
  const { nats, mongodb, redis } = grid ?? {}
  if (nats === undefined || mongodb === undefined)
    throw new GridError(
      'configuration_invalid',
      `There is no grid whose spaces could be moved: set NATS_URL and MONGODB_URL, or DATA_DIR to the folder of a cluster whose servers run (now: ${environment.DATA_DIR}; npx spacegrid servers up). The embedded grid has no number of partitions to move from`,
    )
  const clock = new SystemClock()
  const run = new SystemRandom().id()
  const streams = await SpaceStreams.open(nats, 'repartition')
  const messaging = await NatsMessaging.open(nats, { name: 'repartition' })
  const store = new MongoMove(mongodb, environment.MONGODB_DB, space, run)
  const image = redis ? new RedisImage(redis, clock) : undefined
  return {
    ...{ store, streams, messaging, clock },
    ...(image ? { image } : {}),
    streamBytesMax: environment.STREAM_BYTES_MAX,
    streamReplicas: environment.STREAM_REPLICAS,
    close: async () => {
      await Promise.all([streams.close(), messaging.close(), store.close(), image?.close()])
    },
  }
}
