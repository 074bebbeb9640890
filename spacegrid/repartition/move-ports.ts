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
import { logBytes } from '@spacegrid/grid/program/stream-bytes'

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

/** Where the servers are. */
export interface MoveServers {
  readonly nats: string
  readonly mongodb: string
  readonly redis?: string | undefined
}

/** @throws GridError `configuration_invalid`, `log_unavailable` */
export async function openMovePorts(
  space: string,
  { nats, mongodb, redis }: MoveServers,
  environment: Environment,
): Promise<MovePorts> {
  const clock = new SystemClock()
  const run = new SystemRandom().id()
  const streams = await SpaceStreams.open(nats, 'repartition')
  const messaging = await NatsMessaging.open(nats, { name: 'repartition' })
  const store = new MongoMove(mongodb, environment.MONGODB_DB, space, run)
  const image = redis ? new RedisImage(redis, clock) : undefined
  return {
    ...{ store, streams, messaging, clock },
    ...(image ? { image } : {}),
    streamBytesMax: logBytes(environment).bytesMax,
    streamReplicas: environment.STREAM_REPLICAS,
    close: async () => {
      await Promise.all([streams.close(), messaging.close(), store.close(), image?.close()])
    },
  }
}
