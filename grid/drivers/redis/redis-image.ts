import { randomUUID } from 'node:crypto'
import type { ChainableCommander, Redis } from 'ioredis'
import { GridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  Checkpoint,
  Store,
  StoredChange,
  StoredEntry,
  StoreScan,
} from '../../engine/ports/store.ts'
import { type ImageCheckpoint, toCheckpoint } from './image-checkpoint.ts'
import {
  findKeys,
  isInMemory,
  readCheckpoint,
  readEntry,
  results,
  setCheckpoint,
  writeEntries,
} from './image-commands.ts'
import { buildingKey, checkpointKey, entriesKey, isBuildingKey, positionKey } from './image-keys.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisScan } from './redis-scan.ts'

export interface RedisImageOptions {
  /** How long a first connection is waited for, in ms. Default 1,000. */
  readonly connectMs?: number
  /** After this time without an answer Redis counts as gone, in ms. Default 5,000. */
  readonly silentMs?: number
  /** Entries that Redis looks at for one piece of a scan. Default 1,000. */
  readonly scanEntries?: number
}

/** Changes encoded, or sent ahead while an image is built, without letting others have a turn. */
const changesAtOnce = 5000
/** What a builder that has died leaves behind goes by itself. */
const buildingExpirySeconds = 3600

/**
 * The warm image: a copy of spaces in Redis, which makes a cold start fast and may vanish at any
 * time. Each cache is a hash; the position of the log and the rest of the checkpoint stand beside
 * them and move with them in one MULTI, guarded by WATCH, so a reader never sees half of an
 * `apply`, and a second writer fails.
 *
 * An image that begins from nothing is built aside, step by step, and then put in place by
 * renaming: however large it is, Redis is not held up.
 */
export class RedisImage implements Store {
  readonly #clock: Clock
  readonly #reading: RedisConnection
  /** WATCH is a state of its connection, so writers take turns on this one. */
  readonly #writing: RedisConnection
  readonly #scanEntries: number
  #turn: Promise<unknown> = Promise.resolve()

  /** @throws GridError `configuration_invalid` when the URL is not one of Redis */
  constructor(url: string, clock: Clock, options: RedisImageOptions = {}) {
    const { connectMs = 1000, silentMs = 5000, scanEntries = 1000 } = options
    this.#scanEntries = scanEntries
    this.#clock = clock
    this.#reading = new RedisConnection(url, { name: 'spacegrid-read', connectMs, silentMs })
    this.#writing = new RedisConnection(url, { name: 'spacegrid-write', connectMs, silentMs })
  }

  async checkpoint(logName: LogName): Promise<Checkpoint | undefined> {
    const image = await this.#reading.use(`Reading the image of ${logName}`, (redis) =>
      readCheckpoint(redis, logName),
    )
    return image && toCheckpoint(image)
  }

  /**
   * @throws GridError `stale_writer` (so too when Redis has lost the image), `image_unavailable`
   */
  apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    return this.#inTurn(`Writing the image of ${logName}`, async (redis) => {
      const stored = await readCheckpoint(redis, logName)
      if ((stored?.position ?? 0) !== from) throw stale(logName, from)
      if (stored) await this.#change(redis, logName, stored, next, changes)
      else await this.#build(redis, logName, next, changes)
    })
  }

  async scan(logName: LogName): Promise<StoreScan | undefined> {
    const image = await this.#reading.use(`Reading the image of ${logName}`, (redis) =>
      readCheckpoint(redis, logName),
    )
    if (!image) return undefined
    const hashes = new Map(image.caches.map((cache) => [cache, entriesKey(logName, cache)]))
    return new RedisScan(
      this.#reading,
      toCheckpoint(image),
      hashes,
      this.#scanEntries,
      async () => {
        const now = await this.#reading.use(`Reading the image of ${logName}`, (redis) =>
          readCheckpoint(redis, logName),
        )
        if (now?.build !== image.build)
          throw new GridError('image_unavailable', `The image of ${logName} was replaced or lost`)
        return toCheckpoint(now)
      },
    )
  }

  async get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined> {
    const bytes = await this.#reading.use(`Reading from the image of ${logName}`, async (redis) => {
      const [isThere, entry] = await results(
        redis.pipeline().exists(positionKey(logName)).hgetBuffer(entriesKey(logName, cache), key),
      )
      return isThere ? (entry as Buffer | null) : null
    })
    return bytes ? readEntry(cache, key, bytes) : undefined
  }

  clear(logName: LogName): Promise<void> {
    return this.#inTurn(`Clearing the image of ${logName}`, async (redis) => {
      const keys = await findKeys(redis, logName)
      // One command, so nobody sees entries without their checkpoint or the other way round.
      await redis.unlink(positionKey(logName), checkpointKey(logName), ...keys)
    })
  }

  async close(): Promise<void> {
    this.#reading.close()
    this.#writing.close()
  }

  async #change(
    redis: Redis,
    logName: LogName,
    stored: ImageCheckpoint,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    const transaction = redis.multi()
    for (let at = 0; at < changes.length; at += changesAtOnce) {
      const some = changes.slice(at, at + changesAtOnce)
      for (const [cache, ofCache] of Map.groupBy(some, ({ cache }) => cache))
        writeEntries(transaction, entriesKey(logName, cache), ofCache)
      await this.#anotherTurn()
    }
    const caches = new Set([...stored.caches, ...changes.map(({ cache }) => cache)])
    setCheckpoint(transaction, logName, { ...next, build: stored.build, caches: [...caches] })
    await redis.watch(positionKey(logName))
    if ((await redis.get(positionKey(logName))) !== String(stored.position))
      throw stale(logName, stored.position)
    await this.#commit(redis, logName, stored.position, transaction)
  }

  async #build(
    redis: Redis,
    logName: LogName,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    const build = randomUUID()
    const puts = Map.groupBy(changes.filter(isInMemory), ({ cache }) => cache)
    const aside = new Map(
      [...puts.keys()].map((cache) => [cache, buildingKey(logName, cache, build)]),
    )
    for (const [cache, ofCache] of puts)
      for (let at = 0; at < ofCache.length; at += changesAtOnce) {
        const pipeline = redis.pipeline()
        writeEntries(pipeline, aside.get(cache)!, ofCache.slice(at, at + changesAtOnce))
        await results(pipeline.expire(aside.get(cache)!, buildingExpirySeconds))
      }
    await redis.watch(positionKey(logName), checkpointKey(logName), ...aside.values())
    const isStored = (await readCheckpoint(redis, logName)) !== undefined
    const isBuilt = aside.size === 0 || (await redis.exists(...aside.values())) === aside.size
    if (isStored) throw stale(logName, 0)
    if (!isBuilt)
      throw new GridError(
        'image_unavailable',
        `The image of ${logName} was lost while it was built`,
      )
    // Without a checkpoint, hashes are what an eviction has left.
    const leftBehind = (await findKeys(redis, logName)).filter(
      (key) => !isBuildingKey(logName, key),
    )
    const transaction = redis.multi()
    if (leftBehind.length > 0) transaction.unlink(...leftBehind)
    for (const [cache, key] of aside)
      transaction.rename(key, entriesKey(logName, cache)).persist(entriesKey(logName, cache))
    setCheckpoint(transaction, logName, { ...next, build, caches: [...aside.keys()] })
    await this.#commit(redis, logName, 0, transaction)
  }

  async #commit(
    redis: Redis,
    logName: LogName,
    from: number,
    transaction: ChainableCommander,
  ): Promise<void> {
    const replies = await transaction.exec()
    // Redis has given it up: a watched key has changed, so somebody else has moved the checkpoint.
    if (replies === null) throw stale(logName, from)
    const failed = replies.find(([error]) => error)
    if (!failed) return
    // Redis does not take back the rest of a transaction of which one command has failed, so what
    // is there is no image any more.
    await redis.unlink(positionKey(logName), checkpointKey(logName))
    throw failed[0]
  }

  #anotherTurn(): Promise<void> {
    return new Promise((resolve) => this.#clock.soon(resolve))
  }

  #inTurn<T>(doing: string, work: (redis: Redis) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#writing.use(doing, work))
    // A failure is for whoever asked, not for the next in turn; nor is what was being watched.
    this.#turn = result
      .catch(() => this.#writing.use(doing, (redis) => redis.unwatch()))
      .catch(() => {})
    return result
  }
}

const stale = (logName: LogName, from: number): GridError =>
  new GridError('stale_writer', `The image of ${logName} is not at position ${from}`)
