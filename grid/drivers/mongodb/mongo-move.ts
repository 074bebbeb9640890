import {
  type AnyBulkWriteOperation,
  Binary,
  type ClientSession,
  type Collection,
  type Db,
  MongoClient,
  MongoServerError,
} from 'mongodb'
import { GridError } from '../../core/errors.ts'
import { type LogName, logNameOf, logNamesOf } from '../../core/log-name.ts'
import {
  EntryPlaces,
  isCarriedOver,
  type PartitionCount,
  PartitionCounts,
  placesOfAnswers,
} from '../../core/repartition.ts'
import { idempotencyCache, type SpaceShape } from '../../core/shape.ts'
import type { Checkpoint, StoredEntry } from '../../engine/ports/store.ts'
import { decodeHeader } from '../../engine/wire/snapshot-codec.ts'
import { collectionName, partitionIndex, shareOf } from './cache-documents.ts'
import {
  type CheckpointDocument,
  checkpointFields,
  checkpointsName,
  toCheckpoint,
} from './mongo-checkpoint.ts'
import { MendedConnection } from './mongo-connection.ts'
import { type EntryDocument, fromDocument, gridFields, toDocument } from './mongo-document.ts'
import { duplicateKey, namespaceExists, toStoreError } from './mongo-faults.ts'
import { quarantineName } from './mongo-quarantine.ts'

/** What a move has to know when it goes on: written in one step with the end of the old logs. */
export interface MoveRecord {
  readonly from: number
  readonly to: number
  /** The new logs go on behind this position. */
  readonly after: number
  /** Of the new checkpoints: all of them have the same. */
  readonly replicated: Uint8Array
  /** What has to be in each partition in the end. */
  readonly counts: readonly PartitionCount[]
  /** Size and replicas of what stands in for the old streams, as whoever makes them wants it. */
  readonly streams: Readonly<Record<string, unknown>>
}

interface MoveDocument extends Omit<MoveRecord, 'replicated'> {
  readonly _id: string
  /** The one that works at it; another one that comes takes it over. */
  readonly run: string
  readonly replicated: Binary
  /** Answers under idempotency keys get other ids: they are written aside, and put in place. */
  readonly answers: 'old' | 'aside' | 'moved'
  readonly since: Date
}

/** What is stored of a space. */
export interface StoredDivision {
  /** Of each log that can be used. */
  readonly checkpoints: ReadonlyMap<LogName, Checkpoint>
  /** A move that has not come to its end. */
  readonly move: MoveRecord | undefined
  readonly quarantined: number
  /** Entries of caches that a move does not carry over, by their names. */
  readonly own: ReadonlyMap<string, number>
}

/** Told of each entry that is read, in its old place. */
export interface EntryListener {
  entry(partition: number | undefined, entry: StoredEntry): void
}

export type Told = (entries: number) => void

/** Identity in a checkpoint while nobody may go on from it. */
const noLog = 'none: the space is being moved'
const movesName = 'grid.moves'
const stepEntries = 1000
const silentMsMax = 120_000
const unavailableAfterMs = 5000

const durably = { writeConcern: { w: 'majority', journal: true } } as const
const inTransaction = {
  readPreference: 'primary',
  readConcern: { level: 'local' },
  ...durably,
} as const

type Operation = AnyBulkWriteOperation<EntryDocument>

/**
 * Moves what MongoDB has of a space to another number of partitions, in place. Assumes that nobody
 * writes the space. From `begin` on every old checkpoint is one that nobody starts from or writes
 * behind; until `finish`, which puts the new ones there, everything that is done in between can be
 * done again: where a document belongs follows from what is in it, and which partition it is in
 * says how it was hashed. Two that work at it at the same time do the same; the one that came first
 * is told so before it can finish.
 */
export class MongoMove {
  readonly #space: string
  readonly #run: string
  readonly #client: MongoClient
  readonly #database: Db
  readonly #checkpoints: Collection<CheckpointDocument>
  readonly #moves: Collection<MoveDocument>

  /** @param run unique to this one */
  constructor(url: string, database: string, space: string, run: string) {
    this.#space = space
    this.#run = run
    const settings = {
      appName: 'spacegrid repartition',
      serverSelectionTimeoutMS: unavailableAfterMs,
      connectTimeoutMS: unavailableAfterMs,
      socketTimeoutMS: silentMsMax,
      connectionType: MendedConnection,
    }
    this.#client = new MongoClient(url, settings)
    this.#database = this.#client.db(database, { readPreference: 'primary' })
    this.#checkpoints = this.#database.collection(checkpointsName)
    this.#moves = this.#database.collection(movesName)
  }

  look(): Promise<StoredDivision> {
    return this.#during('Looking at', async () => {
      const space = this.#space
      const logs = new RegExp(`^${space}(\\.\\d+)?$`)
      const found = await this.#checkpoints.find({ _id: logs }, majority()).toArray()
      const live = found.filter(({ moved }) => !moved)
      const move = await this.#moves.findOne({ _id: space }, majority())
      const quarantined = await this.#database
        .collection(quarantineName)
        .countDocuments({ space: logs })
      const own = new Map<string, number>()
      for (const cache of await this.#caches())
        if (!isCarriedOver(cache)) own.set(cache, await this.#of(cache).countDocuments({}))
      return {
        checkpoints: new Map(live.map((it) => [it._id, toCheckpoint(it)])),
        move: move ? recordOf(move) : undefined,
        ...{ quarantined, own },
      }
    })
  }

  /**
   * Reads every entry that a move carries over, and says what has to be in each partition then.
   * Answers that are remembered under one key come one after the other.
   * @throws GridError `record_damaged`; `invalid_input` for an entry that does not say where it
   * belongs
   */
  count(
    from: number,
    shape: SpaceShape,
    listener: EntryListener,
    told: Told,
  ): Promise<{ readonly counts: PartitionCount[]; readonly forgotten: number }> {
    return this.#during('Reading', async () => {
      const { partitions: to = 1 } = shape
      const counts = new PartitionCounts(shape, to)
      const places = new EntryPlaces(shape)
      let read = 0
      const tell = () => void (++read % stepEntries === 0 && told(read))
      for (const cache of await this.#moving(shape))
        for await (const { entry, partition } of this.#read(cache, from)) {
          listener.entry(partition, entry)
          const { key, value, version } = entry
          counts.add(places.partitionOf(cache, key, value), cache, key, version)
          tell()
        }
      // They go, and are only counted for what is there now.
      for (const cache of (await this.#caches()).filter((name) => !isCarriedOver(name)))
        for await (const { entry, partition } of this.#read(cache, from))
          listener.entry(partition, entry)
      let forgotten = 0
      for await (const group of this.#answers(from)) {
        for (const { entry, partition } of group) {
          listener.entry(partition, entry)
          tell()
        }
        const placed = placesOfAnswers(entriesOf(group), to)
        for (const [place, { cache, key, version }] of placed)
          counts.add(place, cache, key, version)
        const kept = new Set([...placed.values()].map(({ version }) => version))
        const all = new Set(group.map(({ entry }) => entry.version))
        forgotten += all.size - kept.size
      }
      return { counts: counts.result(), forgotten }
    })
  }

  /**
   * From here on nobody starts from the old checkpoints, or writes behind them, and the move goes
   * on to its end; unless `giveUp` takes it back at once.
   * @throws GridError `stale_writer` when a checkpoint is not where it was found
   */
  begin(record: MoveRecord, found: ReadonlyMap<LogName, Checkpoint>): Promise<void> {
    return this.#during('Beginning with', async () => {
      for (const name of [movesName, checkpointsName]) await this.#make(name)
      const { to, replicated } = record
      await this.#transact(async (session) => {
        await this.#moves.insertOne(
          {
            ...{ _id: this.#space, ...record, replicated: new Binary(replicated) },
            ...{ run: this.#run, answers: 'old', since: new Date() },
          },
          { session },
        )
        for (const [logName, { position }] of found) {
          const moved = { to, isDone: false, position }
          const { matchedCount } = await this.#checkpoints.updateOne(
            { _id: logName, position },
            { $set: { moved, position: -1 } },
            { session },
          )
          if (matchedCount !== 1)
            throw this.#stale(`${logName} is not stored at ${position} any more`)
        }
        for (const logName of logNamesOf(this.#space, to))
          if (!found.has(logName)) await this.#mark(logName, to, false, session)
      })
    })
  }

  /** Before anything has been moved: everything is as it was. */
  giveUp(to: number): Promise<void> {
    return this.#during('Giving up', () =>
      this.#transact(async (session) => {
        await this.#take({ answers: 'old' }, session)
        await this.#moves.deleteOne({ _id: this.#space }, { session })
        const marked = await this.#checkpoints
          .find(
            { 'moved.isDone': false, _id: new RegExp(`^${this.#space}(\\.\\d+)?$`) },
            { session },
          )
          .toArray()
        for (const { _id, moved } of marked)
          if (moved?.position === undefined) await this.#mark(_id, to, true, session)
          else
            await this.#checkpoints.updateOne(
              { _id },
              { $set: { position: moved.position }, $unset: { moved: true } },
              { session },
            )
      }),
    )
  }

  /** This one goes on with a move that another one has begun. */
  takeOver(): Promise<void> {
    return this.#during('Going on with', async () => {
      await this.#moves.updateOne({ _id: this.#space }, { $set: { run: this.#run } }, durably)
    })
  }

  /** Writes every document's partition anew, and the answers that are remembered. */
  rewrite({ from, to, replicated }: MoveRecord, told: Told): Promise<void> {
    return this.#during('Rewriting', async () => {
      const { shape } = decodeHeader(replicated.slice())
      const places = new EntryPlaces(shape)
      let read = 0
      await this.#moveAnswers(from, to, (answers) => told(read + answers))
      for (const cache of await this.#caches())
        if (!isCarriedOver(cache)) await this.#of(cache).deleteMany({}, durably)
      for (const cache of await this.#moving(shape)) {
        let step: Operation[] = []
        let writing: Promise<unknown> = Promise.resolve()
        const write = async () => {
          await writing
          const operations = step
          step = []
          if (operations.length > 0) writing = this.#write(cache, operations)
          // It is awaited above; until then nobody else would notice it fail.
          writing.catch(() => undefined)
        }
        for await (const { entry, partition, id } of this.#read(cache, from, to)) {
          const place = to === 1 ? undefined : places.partitionOf(cache, entry.key, entry.value)
          // What is there already was moved before this one came, or stays where it is.
          if (place !== partition) step.push(moveOf(id, entry, this.#shareOf(place, cache)))
          if (step.length === stepEntries) await write()
          if (++read % stepEntries === 0) told(read)
        }
        await write()
        await writing
        await this.#index(this.#of(cache), to)
      }
    })
  }

  /** Reads all of it again, and counts it. */
  recount({ to, replicated }: MoveRecord, told: Told): Promise<PartitionCount[]> {
    return this.#during('Reading again', async () => {
      const { shape } = decodeHeader(replicated.slice())
      const counts = new PartitionCounts(shape, to)
      const places = new EntryPlaces(shape)
      let read = 0
      for (const cache of [...(await this.#moving(shape)), idempotencyCache])
        for await (const { entry, partition } of this.#read(cache, to)) {
          const { key, value, version } = entry
          const isRight =
            cache === idempotencyCache || places.partitionOf(cache, key, value) === (partition ?? 0)
          if (!isRight) throw this.#stale(`${cache} ${JSON.stringify(key)} is not in its place`)
          counts.add(partition ?? 0, cache, key, version)
          if (++read % stepEntries === 0) told(read)
        }
      return counts.result()
    })
  }

  /**
   * The new checkpoints, in one step with the end of the move. Names that no log has any more stay
   * marked: whoever still knows them is told.
   * @param identities of the new logs
   */
  finish(
    { from, to, after, replicated, counts }: MoveRecord,
    identities: ReadonlyMap<LogName, string>,
  ): Promise<void> {
    return this.#during('Finishing', () =>
      this.#transact(async (session) => {
        await this.#take({ answers: 'moved' }, session)
        await this.#moves.deleteOne({ _id: this.#space }, { session })
        const { shape } = decodeHeader(replicated.slice())
        const caches = shape.caches.map(({ name }) => name).filter(isCarriedOver)
        const names = logNamesOf(this.#space, to)
        for (const [partition, logName] of names.entries()) {
          const { entries, digest } = counts[partition] as PartitionCount
          const logIdentity = identities.get(logName) ?? ''
          const checkpoint = { position: after, logIdentity, digest, entries, replicated }
          const document = { ...checkpointFields(logName, checkpoint), caches }
          await this.#checkpoints.replaceOne({ _id: logName }, document, { session, upsert: true })
        }
        for (const logName of logNamesOf(this.#space, from))
          if (!names.includes(logName)) await this.#mark(logName, to, true, session)
      }),
    )
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  // ---- answers: their ids hold the partition, so one in its new place could have the id of
  // another one in its old

  async #moveAnswers(from: number, to: number, told: Told): Promise<void> {
    const aside = this.#database.collection<EntryDocument>(`${movesName}.${this.#space}`)
    const { answers } = (await this.#moves.findOne({ _id: this.#space }, majority())) ?? {}
    if (answers === 'moved') return
    if (answers === 'old') {
      await this.#drop(aside.collectionName)
      await this.#make(aside.collectionName)
      let written = 0
      let step: EntryDocument[] = []
      const write = async () => {
        if (step.length > 0) await aside.insertMany(step, { ...durably, ordered: false })
        written += step.length
        step = []
        told(written)
      }
      for await (const group of this.#answers(from))
        for (const [place, entry] of placesOfAnswers(entriesOf(group), to)) {
          const share = this.#shareOf(to === 1 ? undefined : place, idempotencyCache)
          step.push(toDocument(entry, share))
          if (step.length === stepEntries) await write()
        }
      await write()
      await this.#index(aside, to)
      if ((await aside.countDocuments({})) !== written)
        throw this.#stale('somebody else works at the same move')
      await this.#take({ answers: 'aside' })
    }
    await this.#putInPlace(aside)
    await this.#take({ answers: 'moved' })
  }

  async #putInPlace(aside: Collection<EntryDocument>): Promise<void> {
    const names = await this.#collections()
    // It is there already when this has been interrupted behind it.
    if (!names.includes(aside.collectionName)) return
    const place = collectionName(this.#space, idempotencyCache)
    await this.#database.renameCollection(aside.collectionName, place, { dropTarget: true })
  }

  /** In the order of their keys: all that are remembered under one key at once. */
  async *#answers(from: number): AsyncGenerator<ReadEntry[], void> {
    let group: ReadEntry[] = []
    for await (const one of this.#read(idempotencyCache, from, from, { key: 1 })) {
      if (group.length > 0 && group[0]?.entry.key !== one.entry.key) {
        yield group
        group = []
      }
      group.push(one)
    }
    if (group.length > 0) yield group
  }

  // ---- documents

  /**
   * Each with the partition that it says it is in: undefined where the space has one.
   * @param numbers of partitions that the space may have: both, while it is being moved
   */
  async *#read(
    cache: string,
    one: number,
    other = one,
    sort?: Readonly<Record<string, 1>>,
  ): AsyncGenerator<ReadEntry, void> {
    const mayBeWhole = one === 1 || other === 1
    const last = Math.max(one, other)
    const options = { ...majority(), batchSize: 4 * stepEntries, allowDiskUse: true }
    const cursor = this.#of(cache).find({}, options)
    if (sort) cursor.sort(sort)
    for await (const document of cursor) {
      const { partition } = document._grid ?? {}
      const fits = partition === undefined ? mayBeWhole : last > 1 && partition < last
      if (!fits)
        throw new GridError(
          'record_damaged',
          `${cache} ${JSON.stringify(document._id)} is in ${partition === undefined ? 'no partition' : `partition ${partition}`}`,
        )
      const entry = fromDocument(cache, document, this.#shareOf(partition, cache))
      yield { id: document._id, partition, entry }
    }
  }

  async #write(cache: string, operations: Operation[]): Promise<void> {
    // The values stay as they are, so there is nothing for a rule of the collection to say.
    const options = { ...durably, ordered: false, bypassDocumentValidation: true }
    const { matchedCount } = await this.#of(cache).bulkWrite(operations, options)
    if (matchedCount !== operations.length)
      throw this.#stale(`somebody writes ${collectionName(this.#space, cache)} meanwhile`)
  }

  async #index(collection: Collection<EntryDocument>, to: number): Promise<void> {
    if (to > 1) await collection.createIndex(partitionIndex)
    else if (await collection.indexExists(indexName)) await collection.dropIndex(indexName)
  }

  /** Caches of the application that have documents. */
  async #moving({ caches }: SpaceShape): Promise<string[]> {
    const stored = await this.#caches()
    const names = caches.map(({ name }) => name)
    return names.filter(
      (name) => stored.includes(name) && isCarriedOver(name) && name !== idempotencyCache,
    )
  }

  /** Names of all caches of the space, and whatever else has a name like theirs. */
  async #caches(): Promise<string[]> {
    const before = collectionName(this.#space, '')
    const names = await this.#collections()
    return names.filter((name) => name.startsWith(before)).map((name) => name.slice(before.length))
  }

  async #collections(): Promise<string[]> {
    const found = await this.#database.listCollections({}, { nameOnly: true }).toArray()
    return found.map(({ name }) => name)
  }

  async #make(name: string): Promise<void> {
    try {
      await this.#database.createCollection(name)
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error
    }
  }

  async #drop(name: string): Promise<void> {
    if ((await this.#collections()).includes(name)) await this.#database.dropCollection(name)
  }

  #of(cache: string): Collection<EntryDocument> {
    return this.#database.collection(collectionName(this.#space, cache))
  }

  #shareOf(partition: number | undefined, cache: string) {
    return shareOf(logNameOf(this.#space, partition), cache)
  }

  // ---- the record

  async #mark(
    logName: LogName,
    to: number,
    isDone: boolean,
    session: ClientSession,
  ): Promise<void> {
    const nothing = { position: -1, logIdentity: noLog, digest: '', entries: 0, caches: [] }
    const document = { ...nothing, replicated: new Binary(), moved: { to, isDone } }
    await this.#checkpoints.replaceOne({ _id: logName }, document, { session, upsert: true })
  }

  /** @throws GridError `stale_writer`: another run has taken the move over */
  async #take($set: Pick<MoveDocument, 'answers'>, session?: ClientSession): Promise<void> {
    const options = session ? { session } : durably
    const mine = { _id: this.#space, run: this.#run }
    const { matchedCount } = await this.#moves.updateOne(mine, { $set }, options)
    if (matchedCount !== 1) throw this.#stale('another run has taken it over')
  }

  async #transact(work: (session: ClientSession) => Promise<void>): Promise<void> {
    await this.#client.withSession((session) =>
      session.withTransaction(() => work(session), inTransaction),
    )
  }

  #stale(what: string): GridError {
    return new GridError('stale_writer', `${this.#space} cannot be moved: ${what}`)
  }

  async #during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MongoServerError && error.code === duplicateKey)
        throw this.#stale('somebody else moves it')
      throw toStoreError(error, `${doing} ${this.#space}`)
    }
  }
}

const indexName = '_grid.partition_1'

interface ReadEntry {
  readonly id: EntryDocument['_id']
  readonly partition: number | undefined
  readonly entry: StoredEntry
}

const entriesOf = (group: readonly ReadEntry[]): StoredEntry[] => group.map(({ entry }) => entry)

const moveOf = (_id: string, entry: StoredEntry, share: ReturnType<typeof shareOf>): Operation => ({
  updateOne: {
    filter: { _id, '_grid.version': entry.version },
    update: { $set: { _grid: gridFields(entry, share) } },
  },
})

function recordOf({ replicated, ...document }: MoveDocument): MoveRecord {
  const { from, to, after, counts, streams } = document
  return { from, to, after, counts, streams, replicated: new Uint8Array(replicated.value()) }
}

/** Made anew each time, for the driver writes into it. */
const majority = () => ({ readConcern: { level: 'majority' as const } })
