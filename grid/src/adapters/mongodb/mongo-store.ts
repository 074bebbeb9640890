import {
  Binary,
  type ClientSession,
  type Collection,
  type Db,
  MongoClient,
  MongoServerError,
} from 'mongodb'
import { GridError } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Checkpoint, Store, StoredChange, StoredEntry, StoreScan } from '../../ports/store.ts'
import { type EntryDocument, fromDocument } from './mongo-document.ts'
import { duplicateKey, namespaceExists, noReplicaSet, toStoreError } from './mongo-faults.ts'
import { MongoScan, ofSnapshot } from './mongo-scan.ts'
import { runTransaction, writeChanges } from './mongo-transaction.ts'

export interface MongoStoreOptions {
  /** Default `spacegrid`. */
  readonly database?: string
  /**
   * How long an operation waits for MongoDB to be there, in ms, before it is `store_unavailable`.
   * Default 5,000.
   */
  readonly unavailableAfterMs?: number
}

interface CheckpointDocument {
  readonly _id: string
  readonly position: number
  readonly logIdentity: string
  readonly digest: string
  readonly entries: number
  readonly replicated: Binary
  /**
   * Caches that have ever had an entry. A scan finds them here, for a list of collections is not
   * part of its snapshot.
   */
  readonly caches: readonly string[]
}

const checkpointsName = 'grid.checkpoints'
/** Their collections would be the grid's own, or among those that MongoDB keeps for itself. */
const reservedSpaces = ['grid', 'system']

/**
 * Spaces in MongoDB: a collection `{space}.{cache}` for each cache, and the checkpoints. `apply` is
 * one transaction that first moves the checkpoint, if it is where the writer believes it to be, and
 * is committed to the disks of a majority. So MongoDB always holds a space at exactly its
 * checkpoint, and a second or a stale writer conflicts or fails before it has written anything.
 *
 * Connects when it is first used, and again whenever MongoDB is back. Clearing a space must not run
 * beside a writer of that space.
 */
export class MongoStore implements Store {
  readonly #client: MongoClient
  readonly #clock: Clock
  readonly #database: Db
  readonly #checkpoints: Collection<CheckpointDocument>
  /**
   * Collections known to be there: they cannot be created within a transaction without locking
   * everyone else out.
   */
  readonly #created = new Set<string>()
  #isReplicaSet = false
  #connecting: Promise<unknown> | undefined
  #closed = false

  /** @throws GridError `configuration_invalid` when the URL is not one of MongoDB's */
  constructor(url: string, clock: Clock, options: MongoStoreOptions = {}) {
    const unavailableAfterMs = options.unavailableAfterMs ?? 5000
    try {
      this.#client = new MongoClient(url, {
        appName: 'spacegrid',
        ignoreUndefined: true,
        serverSelectionTimeoutMS: unavailableAfterMs,
        connectTimeoutMS: unavailableAfterMs,
        heartbeatFrequencyMS: 2000,
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new GridError('configuration_invalid', `Not a MongoDB URL: ${reason}`, { cause })
    }
    this.#clock = clock
    this.#database = this.#client.db(options.database ?? 'spacegrid', { readPreference: 'primary' })
    this.#checkpoints = this.#database.collection(checkpointsName)
  }

  checkpoint(space: string): Promise<Checkpoint | undefined> {
    return this.#during(`Reading the checkpoint of ${space}`, async () => {
      const document = await this.#checkpoints.findOne({ _id: space }, durable())
      return document ? toCheckpoint(document) : undefined
    })
  }

  /**
   * @throws GridError `stale_writer`, `store_unavailable`, `configuration_invalid`; EntryRefused
   */
  apply(
    space: string,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    return this.#during(`Writing ${space}`, async () => {
      const byCache = Map.groupBy(changes, ({ cache }) => cache)
      await this.#prepare(space, [...byCache.keys()])
      // Without a checkpoint whatever is there has been left behind by a clearing that did not come
      // to its end.
      const leftBehind = from === 0 ? await this.#cachesOf(space) : []
      await runTransaction(this.#client, this.#clock, async (session) => {
        const isFirst = await this.#moveCheckpoint(space, from, next, [...byCache.keys()], session)
        if (isFirst)
          for (const cache of leftBehind)
            await this.#entries(space, cache).deleteMany({}, { session })
        for (const [cache, some] of byCache)
          await writeChanges(this.#client, this.#entries(space, cache), some, session, isFirst)
      })
    })
  }

  scan(space: string): Promise<StoreScan | undefined> {
    return this.#during(`Scanning ${space}`, async () => {
      const session = this.#client.startSession({ snapshot: true })
      try {
        // The first read fixes the instant that all others see.
        const document = await this.#checkpoints.findOne({ _id: space }, ofSnapshot(session))
        if (document) {
          const caches = new Map(
            document.caches.map((cache) => [cache, this.#entries(space, cache)]),
          )
          return new MongoScan(toCheckpoint(document), caches, session)
        }
      } catch (error) {
        await session.endSession()
        throw error
      }
      await session.endSession()
      return undefined
    })
  }

  get(space: string, cache: string, key: string): Promise<StoredEntry | undefined> {
    return this.#during(`Reading from ${space}.${cache}`, async () => {
      const document = await this.#entries(space, cache).findOne({ _id: key }, durable())
      return document ? fromDocument(cache, document) : undefined
    })
  }

  clear(space: string): Promise<void> {
    return this.#during(`Clearing ${space}`, async () => {
      await this.#checkpoints.deleteOne(
        { _id: space },
        { writeConcern: { w: 'majority', journal: true } },
      )
      for (const cache of await this.#cachesOf(space)) {
        this.#created.delete(`${space}.${cache}`)
        await this.#entries(space, cache).drop()
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  /** True when this is the first checkpoint of the space. */
  async #moveCheckpoint(
    space: string,
    from: number,
    next: Checkpoint,
    caches: readonly string[],
    session: ClientSession,
  ): Promise<boolean> {
    const { replicated, ...fields } = next
    try {
      const { matchedCount, upsertedCount } = await this.#checkpoints.updateOne(
        { _id: space, position: from },
        {
          $set: { ...fields, replicated: new Binary(replicated) },
          $addToSet: { caches: { $each: [...caches] } },
        },
        // With a checkpoint at another position this inserts a second one, and fails.
        { session, upsert: from === 0 },
      )
      if (matchedCount + upsertedCount > 0) return upsertedCount > 0
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== duplicateKey) throw error
    }
    throw new GridError('stale_writer', `${space} is not stored at position ${from}`)
  }

  async #prepare(space: string, caches: readonly string[]): Promise<void> {
    if (reservedSpaces.includes(space))
      throw new GridError('configuration_invalid', `MongoDB cannot hold a space named ${space}`)
    if (!this.#isReplicaSet) await this.#checkReplicaSet()
    for (const name of [checkpointsName, ...caches.map((cache) => `${space}.${cache}`)]) {
      if (this.#created.has(name)) continue
      try {
        await this.#database.createCollection(name)
      } catch (error) {
        if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error
      }
      this.#created.add(name)
    }
  }

  async #checkReplicaSet(): Promise<void> {
    const hello = await this.#client.db('admin').command({ hello: 1 })
    if (!hello.setName && hello.msg !== 'isdbgrid') throw noReplicaSet()
    this.#isReplicaSet = true
  }

  async #cachesOf(space: string): Promise<string[]> {
    const collections = await this.#database.listCollections({}, { nameOnly: true }).toArray()
    return collections
      .filter(({ name }) => name.startsWith(`${space}.`))
      .map(({ name }) => name.slice(space.length + 1))
  }

  #entries(space: string, cache: string): Collection<EntryDocument> {
    return this.#database.collection(`${space}.${cache}`)
  }

  async #during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new GridError('store_unavailable', `${doing}: the store is closed`)
    try {
      await this.#connect()
      return await work()
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }

  /**
   * The driver connects by itself, and reconnects; but when its first connection fails it gives up
   * for good, unless it is told to connect again.
   */
  #connect(): Promise<unknown> {
    this.#connecting ??= this.#client.connect().catch((error) => {
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }
}

/**
 * Nothing that a change of primary could take back. Made anew each time, for the driver writes into
 * it.
 */
const durable = () => ({ readConcern: { level: 'majority' as const } })

function toCheckpoint(document: CheckpointDocument): Checkpoint {
  const { position, logIdentity, digest, entries, replicated } = document
  return { position, logIdentity, digest, entries, replicated: new Uint8Array(replicated.value()) }
}
