import { type ClientSession, type Collection, type MongoClient, MongoError, UUID } from 'mongodb'
import type { LogName } from '../../core/log-name.ts'
import { type Clock, sleep } from '../../engine/ports/clock.ts'

/** One document for each process that has written a space lately. */
export interface WriterDocument {
  /** Its session with MongoDB. */
  readonly _id: string
  /** The name of the log. */
  readonly space: LogName
  readonly at: Date
}

export const writersName = 'grid.writers'

/**
 * So long another writer's transaction may be in the way before it is ended; twice as long each
 * time one of ours was ended that way.
 */
const patienceMsMin = 400
const patienceMsMax = 60_000
/** Records of processes that did not say goodbye go after this time. */
const forgetMs = 86_400_000
const goodbyeMs = 500
const unauthorized = 13
const writeConflict = 112
const noSuchTransaction = 251

/**
 * The session in which one process writes one space. MongoDB keeps a transaction open for a minute
 * or more after its process has died or was paused, with the checkpoint locked; whoever takes over
 * could only wait. So a session is written down before it is used, and a writer that finds the
 * checkpoint locked for too long ends the sessions of the others, and their transactions with them.
 * The guard at the checkpoint decides what is right; this only clears the way. Two living writers
 * with transactions that take long end each other's ever more reluctantly, until one comes through.
 */
export class WriterSession {
  readonly #client: MongoClient
  readonly #writers: Collection<WriterDocument>
  readonly #logName: LogName
  readonly #clock: Clock
  readonly #session: ClientSession
  #turn: Promise<unknown> = Promise.resolve()
  #isRegistered = false
  #patienceMs = patienceMsMin
  #obstructedSince: number | undefined

  constructor(
    client: MongoClient,
    writers: Collection<WriterDocument>,
    logName: LogName,
    clock: Clock,
  ) {
    this.#client = client
    this.#writers = writers
    this.#logName = logName
    this.#clock = clock
    this.#session = client.startSession()
  }

  /** A session holds one transaction at a time: those who write in one process take turns. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    // A failure is for whoever asked, not for the next in turn.
    this.#turn = result.catch(() => undefined)
    return result
  }

  async begin(): Promise<ClientSession> {
    if (!this.#isRegistered) {
      const named = { space: this.#logName, at: new Date(this.#clock.now()) }
      await this.#writers.updateOne({ _id: this.#id }, { $set: named }, { upsert: true })
      this.#isRegistered = true
    }
    return this.#session
  }

  committed(): void {
    this.#obstructedSince = undefined
    this.#patienceMs = patienceMsMin
  }

  /**
   * A transaction has failed that may go through when it is tried again. Returns whether the way
   * was cleared just now.
   */
  async failed(error: unknown): Promise<boolean> {
    const code = error instanceof MongoError ? error.code : undefined
    // Whatever has happened to the server may have happened to our record.
    if (code !== writeConflict) this.#isRegistered = false
    if (code === noSuchTransaction) this.#patienceMs = Math.min(2 * this.#patienceMs, patienceMsMax)
    if (code !== writeConflict) return false
    const now = this.#clock.monotonic()
    this.#obstructedSince ??= now
    if (now - this.#obstructedSince < this.#patienceMs) return false
    this.#obstructedSince = undefined
    await this.#endOthers()
    return true
  }

  async close(): Promise<void> {
    // It is only a record, and MongoDB may be away: that must not hold up whoever stops.
    const forgotten = this.#isRegistered
      ? this.#writers.deleteOne({ _id: this.#id }).catch(() => undefined)
      : undefined
    await Promise.race([forgotten, sleep(this.#clock, goodbyeMs)])
    await this.#session.endSession()
  }

  get #id(): string {
    return this.#session.id?.id.toUUID().toHexString() ?? ''
  }

  async #endOthers(): Promise<void> {
    const others = await this.#writers
      .find({ space: this.#logName, _id: { $ne: this.#id } })
      .toArray()
    if (others.length === 0) return
    const sessions = others.map(({ _id }) => ({ id: new UUID(_id).toBinary() }))
    try {
      await this.#client.db('admin').command({ killSessions: sessions })
    } catch (error) {
      // A user may end sessions of its own; those of a writer with another user end when MongoDB's
      // own patience does.
      if (!(error instanceof MongoError) || error.code !== unauthorized) throw error
    }
    await this.#writers.deleteMany({
      space: this.#logName,
      _id: { $ne: this.#id },
      at: { $lt: new Date(this.#clock.now() - forgetMs) },
    })
  }
}
