import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { PartitionCounts } from '@spacegrid/grid/core/repartition'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { MongoMove } from '@spacegrid/grid/drivers/mongodb/mongo-move'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SpaceStreams } from '@spacegrid/grid/drivers/nats/space-streams'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Timer } from '@spacegrid/grid/engine/ports/clock'
import type { StoredChange } from '@spacegrid/grid/engine/ports/store'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { MovePorts } from '../move-ports.ts'

const items = defineCache('items', {
  schema: Type.Object({ key: Type.String(), group: Type.Integer() }),
  key: 'key',
  partitionBy: 'group',
})
const add = defineCommand('add', {
  input: Type.Object({ group: Type.Integer() }),
  partitionBy: 'group',
  handler: () => undefined,
})

export const spaceOfItems = (name: string, partitions: number): Space =>
  defineSpace(name, { partitions, caches: [items], commands: [add], queries: [] }) as never

export const item = (key: string, group: number, version: number): StoredChange => ({
  ...{ cache: 'items', key, value: { key, group }, version, position: 1 },
})

/** @param hash of the partition key; left out: the space had one partition then */
export const remembered = (
  key: string,
  version: number,
  { hash, expiresAt = 1000 }: { readonly hash?: number; readonly expiresAt?: number } = {},
): StoredChange => ({
  ...{ cache: '_idempotency', key, version, position: 1 },
  value: {
    ...{ key, command: 'add', input: 'i', data: version, expiresAt },
    ...(hash === undefined ? {} : { hash }),
  },
})

export const placeOf = (group: number, partitions: number): number =>
  partitionOfHash(partitionHash([group]), partitions)

/**
 * A second takes 100 ms: whoever listens for the processes of a space, each of which tells itself
 * every second, is done in that part of the time.
 */
class HastyClock extends SystemClock {
  override after(ms: number, callback: () => void): Timer {
    return super.after(ms / 10, callback)
  }
}

/** A space as it is in MongoDB and NATS when it has been stopped; no unit has made it so. */
export class StoredSpace implements AsyncDisposable {
  readonly name: string
  readonly store: MongoStore
  readonly database: string
  readonly #urls: { readonly nats: string; readonly mongodb: string }
  readonly #logs: JetStreamLog[] = []
  #runs = 0

  constructor(name: string, urls: { readonly nats: string; readonly mongodb: string }) {
    this.name = name
    this.database = name
    this.#urls = urls
    this.store = new MongoStore(urls.mongodb, new SystemClock(), { database: name })
  }

  /** Stores each partition with these changes, at the end of a log with one record. */
  async fill(changes: readonly (readonly StoredChange[])[]): Promise<void> {
    const partitions = changes.length
    const shape = shapeOf(spaceOfItems(this.name, partitions))
    for (const [at, some] of changes.entries()) {
      const logName = this.logName(at, partitions)
      const log = await this.log(logName)
      const position = await log.append(Buffer.from('a record'))
      const counts = new PartitionCounts(shape, 1)
      for (const { cache, key, version } of some) counts.add(0, cache, key, version)
      const [{ entries, digest } = { entries: 0, digest: '' }] = counts.result()
      const replicated = encodeHeader({ position, time: 5, shape, origins: [] })
      const { identity: logIdentity } = await log.bounds()
      const checkpoint = { position, logIdentity, entries, digest, replicated }
      await this.store.apply(logName, 0, checkpoint, some)
    }
  }

  logName(partition: number, partitions: number): LogName {
    return logNameOf(this.name, partitions === 1 ? undefined : partition)
  }

  /** Nobody follows it. */
  async log(logName: LogName): Promise<JetStreamLog> {
    const log = await JetStreamLog.open(this.#urls.nats, {
      ...{ stream: streams.log(logName), subject: subjects.log(logName), maxBytes: 2 ** 22 },
    })
    this.#logs.push(log)
    return log
  }

  /** Of one more run of the command. */
  async ports(): Promise<MovePorts> {
    const { nats, mongodb } = this.#urls
    const own = {
      store: new MongoMove(mongodb, this.database, this.name, `run ${++this.#runs}`),
      streams: await SpaceStreams.open(nats, 'test'),
      messaging: await NatsMessaging.open(nats, { name: 'test' }),
    }
    const close = async () => {
      await Promise.all([own.store.close(), own.streams.close(), own.messaging.close()])
    }
    return { ...own, clock: new HastyClock(), streamBytesMax: 2 ** 24, streamReplicas: 1, close }
  }

  /** Everything that a partition has: `cache/key`, and its version. */
  async contents(logName: LogName): Promise<Map<string, number>> {
    const scan = await this.store.scan(logName)
    const found = new Map<string, number>()
    for await (const entries of scan?.chunks() ?? [])
      for (const { cache, key, version } of entries) found.set(`${cache}/${key}`, version)
    await scan?.close()
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of this.#logs) await log.close()
    await this.store.close()
  }
}
