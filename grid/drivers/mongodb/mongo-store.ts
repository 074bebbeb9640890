import {
  type ClientSession,
  type Collection,
  type Db,
  MongoClient,
  MongoServerError,
} from 'mongodb'
import { GridError } from '../../core/errors.ts'
import { type LogName, partitionOf, spaceOf } from '../../core/log-name.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  Checkpoint,
  ForeignChange,
  Quarantine,
  RebuildableStore,
  ScanOptions,
  StoreArchive,
  StoredChange,
  StoredEntry,
  StoreScan,
  StoreWatch,
} from '../../engine/ports/store.ts'
import { filesOfUrl } from '../url-files.ts'
import { CacheDocuments, collectionName, partitionIndex } from './cache-documents.ts'
import { MongoArchive } from './mongo-archive.ts'
import {
  type CheckpointDocument,
  checkpointsName,
  isLive,
  ownCaches,
  toCheckpoint,
} from './mongo-checkpoint.ts'
import { MendedConnection } from './mongo-connection.ts'
import { namespaceExists, noReplicaSet, toStoreError } from './mongo-faults.ts'
import { MongoQuarantine } from './mongo-quarantine.ts'
import { MongoScan, ofSnapshot, scanBytesMaxDefault } from './mongo-scan.ts'
import { SpaceWriter } from './mongo-space-writer.ts'
import { MongoWatch } from './mongo-watch.ts'

export interface MongoStoreOptions {
  /** Default `spacegrid`. */
  readonly database?: string
  /**
   * How long an operation waits for MongoDB to be there, in ms, before it is `store_unavailable`.
   * Default 5,000.
   */
  readonly unavailableAfterMs?: number
  /**
   * Entries of one space that may be in quarantine; when there are more, nothing is written any
   * more. Default 10,000.
   */
  readonly quarantinedMax?: number
  /** Bytes of one piece of a scan. Default 16 MiB, as many as MongoDB sends at once. */
  readonly scanBytesMax?: number
}

/**
 * For one command: twice what MongoDB gives a transaction. A server that does not answer at all is
 * noticed much earlier, by the driver's heartbeats.
 */
const silentMsMax = 120_000

/** Their collections would be the grid's own, or among those that MongoDB keeps for itself. */
const reservedSpaces = ['grid', 'system']

/**
 * Spaces in MongoDB: a collection `{space}.{cache}` for each cache, which the partitions of a space
 * share, and a checkpoint for each log. `apply` is one transaction that first moves the checkpoint,
 * if it is where the writer believes it to be, and is committed to the disks of a majority. So
 * MongoDB always holds a space, or a partition, at exactly its checkpoint, and a second or a stale
 * writer conflicts or fails before it has written anything.
 *
 * Connects when it is first used, and again whenever MongoDB is back. Clearing a space must not run
 * beside a writer of that space.
 */
export class MongoStore implements RebuildableStore {
  readonly #client: MongoClient
  readonly #clock: Clock
  readonly #database: Db
  readonly #checkpoints: Collection<CheckpointDocument>
  /**
   * Collections known to be there: they cannot be created within a transaction without locking
   * everyone else out.
   */
  readonly #created = new Set<string>()
  /** Logs that nobody has stored in another number of partitions. */
  readonly #undisputed = new Set<LogName>()
  readonly #writers = new Map<string, SpaceWriter>()
  readonly #watches = new Map<string, MongoWatch>()
  readonly #kept: MongoQuarantine
  readonly #archive: MongoArchive
  readonly #quarantinedMax: number
  readonly #scanBytesMax: number
  #isReplicaSet = false
  #connecting: Promise<unknown> | undefined
  #closed = false

  /**
   * @param url as MongoDB has it; `passwordFile=` may name a file that holds its password
   * @throws GridError `configuration_invalid` when the URL is not one of MongoDB's
   */
  constructor(url: string, clock: Clock, options: MongoStoreOptions = {}) {
    const unavailableAfterMs = options.unavailableAfterMs ?? 5000
    const settings = {
      appName: 'spacegrid',
      ignoreUndefined: true,
      serverSelectionTimeoutMS: unavailableAfterMs,
      connectTimeoutMS: unavailableAfterMs,
      waitQueueTimeoutMS: unavailableAfterMs,
      socketTimeoutMS: silentMsMax,
      heartbeatFrequencyMS: 2000,
      connectionType: MendedConnection,
    }
    const { url: known } = filesOfUrl('MONGODB_URL', url)
    try {
      this.#client = new MongoClient(known, settings)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new GridError('configuration_invalid', `Not a MongoDB URL: ${reason}`, { cause })
    }
    this.#clock = clock
    this.#database = this.#client.db(options.database ?? 'spacegrid', { readPreference: 'primary' })
    this.#checkpoints = this.#database.collection(checkpointsName)
    this.#kept = new MongoQuarantine(this.#database, clock)
    this.#archive = new MongoArchive(this.#database)
    this.#quarantinedMax = options.quarantinedMax ?? 10_000
    this.#scanBytesMax = options.scanBytesMax ?? scanBytesMaxDefault
  }

  readonly quarantine: Quarantine = {
    list: (logName) =>
      this.#during(`Reading the quarantine of ${logName}`, () => this.#kept.list(logName)),
    replay: (logName, keys) =>
      this.#during(`Replaying ${logName}`, () => this.#writerOf(logName).replay(keys)),
  }

  readonly archive: StoreArchive = {
    range: (logName, asked) =>
      this.#during(`Reading the archive of ${logName}.${asked.cache}`, () =>
        this.#archive.range(logName, asked),
      ),
    all: (logName) => this.#archived(logName),
  }

  checkpoint(logName: LogName): Promise<Checkpoint | undefined> {
    return this.#during(`Reading the checkpoint of ${logName}`, async () => {
      const document = await this.#checkpoints.findOne({ _id: logName }, durable())
      return document ? toCheckpoint(document) : undefined
    })
  }

  /** Of the spaces and partitions that are stored here, in the order of the alphabet. */
  logNames(): Promise<LogName[]> {
    return this.#during('Reading which spaces are stored', async () => {
      const documents = await this.#checkpoints.find(isLive, durable()).toArray()
      return documents.map(({ _id: logName }) => logName).sort()
    })
  }

  /**
   * @throws GridError `stale_writer`, `quarantine_full`, `store_unavailable`,
   * `configuration_invalid`
   */
  apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    return this.#during(`Writing ${logName}`, async () => {
      await this.#prepare(logName, new Set(changes.map(({ cache }) => cache)))
      await this.#prepareArchive(logName, changes)
      // Without a checkpoint whatever is there has been left behind by a clearing that did not come
      // to its end.
      const leftBehind = from === 0 ? await this.#cachesOf(logName) : []
      await this.#writerOf(logName).apply(from, next, changes, leftBehind)
    })
  }

  restore(logName: LogName, known: Checkpoint): Promise<void> {
    return this.#during(`Writing the checkpoint of ${logName}`, async () => {
      this.#created.clear()
      await this.#prepare(logName, new Set())
      // Somebody may keep collections of their own under the space's name: they are none of its
      // caches.
      const isOwn = ownCaches(known)
      await this.#writerOf(logName).restore(known, (await this.#cachesOf(logName)).filter(isOwn))
    })
  }

  /** All partitions of a space listen at one change stream: each would cost the server as much. */
  watch(logName: LogName, changed: (change: ForeignChange) => void): StoreWatch {
    const space = spaceOf(logName)
    let watch = this.#watches.get(space)
    if (!watch) {
      watch = new MongoWatch(this.#database, space, this.#clock, () => this.#connect())
      this.#watches.set(space, watch)
    }
    return watch.listen(logName, changed, () => this.#watches.delete(space))
  }

  scan(logName: LogName, options: ScanOptions = {}): Promise<StoreScan | undefined> {
    return this.#during(`Scanning ${logName}`, async () => {
      const session = this.#client.startSession({ snapshot: true })
      try {
        // The first read fixes the instant that all others see.
        const document = await this.#checkpoints.findOne({ _id: logName }, ofSnapshot(session))
        if (document) {
          const caches = document.caches.map((cache) => this.#documents(logName, cache))
          return new MongoScan(
            toCheckpoint(document),
            caches,
            session,
            document.quarantine && (await this.#scanQuarantine(logName, session)),
            options,
            this.#scanBytesMax,
          )
        }
      } catch (error) {
        await session.endSession()
        throw error
      }
      await session.endSession()
      return undefined
    })
  }

  get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined> {
    return this.#during(`Reading from ${logName}.${cache}`, async () => {
      // First, for what is there now may have left quarantine when the collection is read, and was
      // not stored there before.
      const aside = await this.#kept.get(logName, { cache, key })
      if (aside) return aside
      const documents = this.#documents(logName, cache)
      const options = { ...durable(), ...documents.byId }
      const document = await documents.collection.findOne(documents.ofKey(key), options)
      return document ? documents.fromDocument(document) : undefined
    })
  }

  clear(logName: LogName): Promise<void> {
    return this.#during(`Clearing ${logName}`, async () => {
      await this.#checkDivision(logName)
      await this.#checkpoints.deleteOne({ _id: logName }, durableWrite())
      for (const cache of await this.#cachesOf(logName)) {
        const documents = this.#documents(logName, cache)
        if (documents.isShared) await documents.collection.deleteMany(documents.all, durableWrite())
        else {
          this.#created.delete(documents.collection.collectionName)
          await documents.collection.drop()
        }
      }
      await this.#kept.clear(logName)
    })
  }

  /**
   * Collections stay, with the indexes and validators that somebody may have given them; only their
   * documents go.
   */
  beginAnew(logName: LogName, building: Checkpoint): Promise<void> {
    return this.#during(`Beginning ${logName} anew`, async () => {
      await this.#prepare(logName, new Set())
      await this.#writerOf(logName).begin(building)
      // Nobody else can write here any more, so this need not be one transaction.
      for (const cache of await this.#cachesOf(logName)) {
        const { collection, inMemory } = this.#documents(logName, cache)
        await collection.deleteMany(inMemory, durableWrite())
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#watches.values()].map((watch) => watch.stop()))
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()))
    await this.#client.close()
  }

  async *#archived(logName: LogName): AsyncGenerator<StoredEntry[], void> {
    const doing = `Reading the archive of ${logName}`
    const [caches, aside] = await this.#during(doing, () =>
      Promise.all([this.#cachesOf(logName), this.#kept.keysIn(logName, durable())]),
    )
    try {
      for (const cache of caches) {
        const pieces = this.#archive.allOf(this.#documents(logName, cache))
        for await (const entries of pieces)
          yield entries.filter(({ key }) => !aside.has(`${cache}/${key}`))
      }
      for await (const entries of this.#kept.chunks(logName, durable()))
        yield entries.filter(({ archived }) => archived)
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }

  async #scanQuarantine(logName: LogName, session: ClientSession) {
    const snapshot = ofSnapshot(session)
    return {
      names: await this.#kept.keysIn(logName, snapshot),
      chunks: () => this.#kept.chunks(logName, snapshot),
    }
  }

  #writerOf(logName: LogName): SpaceWriter {
    let writer = this.#writers.get(logName)
    if (!writer) {
      writer = new SpaceWriter(
        this.#client,
        this.#database,
        logName,
        this.#clock,
        this.#kept,
        this.#quarantinedMax,
      )
      this.#writers.set(logName, writer)
    }
    return writer
  }

  async #prepare(logName: LogName, caches: ReadonlySet<string>): Promise<void> {
    const space = spaceOf(logName)
    if (reservedSpaces.includes(space))
      throw new GridError('configuration_invalid', `MongoDB cannot hold a space named ${space}`)
    if (!this.#isReplicaSet) await this.#checkReplicaSet()
    if (!this.#undisputed.has(logName)) await this.#checkDivision(logName)
    this.#undisputed.add(logName)
    await this.#create(checkpointsName)
    const isDivided = partitionOf(logName) !== undefined
    for (const cache of caches)
      await this.#create(collectionName(logName, cache), isDivided ? partitionIndex : undefined)
  }

  /** The first time that something of a cache leaves memory, as far as this process knows. */
  async #prepareArchive(logName: LogName, changes: readonly StoredChange[]): Promise<void> {
    const leaving = changes.filter(({ archived }) => archived)
    for (const cache of new Set(leaving.map(({ cache }) => cache))) {
      const { collection, memoryIndex } = this.#documents(logName, cache)
      const name = `${collection.collectionName} ${Object.keys(memoryIndex)}`
      if (this.#created.has(name)) continue
      await collection.createIndex(memoryIndex)
      this.#created.add(name)
    }
  }

  async #create(name: string, index?: typeof partitionIndex): Promise<void> {
    if (this.#created.has(name)) return
    try {
      await this.#database.createCollection(name)
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error
    }
    if (index) await this.#database.collection(name).createIndex(index)
    this.#created.add(name)
  }

  /**
   * A space and partitions of it have the same collections: whoever took one for the other would
   * take its documents for what a clearing has left behind.
   */
  async #checkDivision(logName: LogName): Promise<void> {
    const space = spaceOf(logName)
    const isDivided = partitionOf(logName) !== undefined
    const others = isDivided ? space : new RegExp(`^${space}\\.`)
    const found = await this.#checkpoints.findOne({ _id: others, ...isLive }, durable())
    if (!found) return
    const [is, not] = isDivided ? ['one partition', 'several'] : ['several partitions', 'one']
    throw new GridError(
      'configuration_invalid',
      `MongoDB holds ${space} in ${is} (${found._id}), not in ${not}`,
    )
  }

  async #checkReplicaSet(): Promise<void> {
    const hello = await this.#client.db('admin').command({ hello: 1 })
    if (!hello.setName && hello.msg !== 'isdbgrid') throw noReplicaSet()
    this.#isReplicaSet = true
  }

  async #cachesOf(logName: LogName): Promise<string[]> {
    const collections = await this.#database.listCollections({}, { nameOnly: true }).toArray()
    return collections
      .filter(({ name }) => name.startsWith(collectionName(logName, '')))
      .map(({ name }) => name.slice(collectionName(logName, '').length))
  }

  #documents(logName: LogName, cache: string): CacheDocuments {
    return new CacheDocuments(this.#database, logName, cache)
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

const durableWrite = () => ({ writeConcern: { w: 'majority' as const, journal: true } })

/**
 * Nothing that a change of primary could take back. Made anew each time, for the driver writes into
 * it.
 */
const durable = () => ({ readConcern: { level: 'majority' as const } })
