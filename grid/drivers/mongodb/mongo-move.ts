import {
  Binary,
  type ClientSession,
  type Collection,
  type Db,
  MongoClient,
  MongoServerError,
} from 'mongodb'
import { type LogName, logNamesOf } from '../../core/log-name.ts'
import { isCarriedOver, type PartitionCount } from '../../core/repartition.ts'
import type { SpaceShape } from '../../core/shape.ts'
import type { Checkpoint } from '../../engine/ports/store.ts'
import { decodeHeader } from '../../engine/wire/snapshot-codec.ts'
import { filesOfUrl } from '../url-files.ts'
import {
  type CheckpointDocument,
  checkpointFields,
  checkpointsName,
  toCheckpoint,
} from './mongo-checkpoint.ts'
import { MendedConnection } from './mongo-connection.ts'
import { duplicateKey, toStoreError } from './mongo-faults.ts'
import { quarantineName } from './mongo-quarantine.ts'
import {
  type AnswersState,
  durably,
  type EntryListener,
  type Move,
  MovedDocuments,
  majority,
  makeCollection,
  stale,
  type Told,
} from './moved-documents.ts'

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
  readonly answers: AnswersState
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

/** Identity in a checkpoint while nobody may go on from it. */
const noLog = 'none: the space is being moved'
const movesName = 'grid.moves'
const silentMsMax = 120_000
const unavailableAfterMs = 5000

const inTransaction = {
  readPreference: 'primary',
  readConcern: { level: 'local' },
  ...durably,
} as const

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
  readonly #documents: MovedDocuments

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
    this.#client = new MongoClient(filesOfUrl('MONGODB_URL', url).url, settings)
    this.#database = this.#client.db(database, { readPreference: 'primary' })
    this.#checkpoints = this.#database.collection(checkpointsName)
    this.#moves = this.#database.collection(movesName)
    this.#documents = new MovedDocuments(space, this.#database, {
      read: async () => (await this.#moves.findOne({ _id: space }, majority()))?.answers ?? 'old',
      write: (answers) => this.#take({ answers }),
    })
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
      const own = await this.#documents.uncarried()
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
  count(from: number, shape: SpaceShape, listener: EntryListener, told: Told) {
    return this.#during('Reading', () => this.#documents.count(from, shape, listener, told))
  }

  /**
   * From here on nobody starts from the old checkpoints, or writes behind them, and the move goes
   * on to its end; unless `giveUp` takes it back at once.
   * @throws GridError `stale_writer` when a checkpoint is not where it was found
   */
  begin(record: MoveRecord, found: ReadonlyMap<LogName, Checkpoint>): Promise<void> {
    return this.#during('Beginning with', async () => {
      for (const name of [movesName, checkpointsName]) await makeCollection(this.#database, name)
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
            throw stale(this.#space, `${logName} is not stored at ${position} any more`)
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
  rewrite(record: MoveRecord, told: Told): Promise<void> {
    return this.#during('Rewriting', () => this.#documents.rewrite(moveOf(record), told))
  }

  /** Reads all of it again, and counts it. */
  recount(record: MoveRecord, told: Told): Promise<PartitionCount[]> {
    return this.#during('Reading again', () => this.#documents.recount(moveOf(record), told))
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
    if (matchedCount !== 1) throw stale(this.#space, 'another run has taken it over')
  }

  async #transact(work: (session: ClientSession) => Promise<void>): Promise<void> {
    await this.#client.withSession((session) =>
      session.withTransaction(() => work(session), inTransaction),
    )
  }

  async #during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MongoServerError && error.code === duplicateKey)
        throw stale(this.#space, 'somebody else moves it')
      throw toStoreError(error, `${doing} ${this.#space}`)
    }
  }
}

const moveOf = ({ from, to, replicated }: MoveRecord): Move => ({
  ...{ from, to },
  shape: decodeHeader(replicated.slice()).shape,
})

function recordOf({ replicated, ...document }: MoveDocument): MoveRecord {
  const { from, to, after, counts, streams } = document
  return { from, to, after, counts, streams, replicated: new Uint8Array(replicated.value()) }
}
