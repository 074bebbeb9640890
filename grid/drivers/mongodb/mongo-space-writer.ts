import {
  Binary,
  type ClientSession,
  type Collection,
  type Db,
  type MongoClient,
  MongoServerError,
} from 'mongodb'
import { GridError, isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  Checkpoint,
  EntryKey,
  QuarantinedEntry,
  Replayed,
  StoredChange,
} from '../../engine/ports/store.ts'
import { CacheDocuments } from './cache-documents.ts'
import {
  type CheckpointDocument,
  checkpointFields,
  checkpointsName,
  toCheckpoint,
} from './mongo-checkpoint.ts'
import { duplicateKey } from './mongo-faults.ts'
import {
  type MongoQuarantine,
  markOf,
  type Quarantined,
  type QuarantineMark,
  quarantineId,
  revisionOf,
} from './mongo-quarantine.ts'
import { ofSnapshot } from './mongo-scan.ts'
import { Sieve } from './mongo-sieve.ts'
import { ChangesRefused, runTransaction, writeChanges } from './mongo-transaction.ts'
import { type WriterDocument, WriterSession, writersName } from './mongo-writer-session.ts'

/** What a step finds at the checkpoint. */
interface Found {
  readonly mark: QuarantineMark | undefined
  readonly isFirst: boolean
}

/** A transaction that writes changes, and what it begins with. */
interface Step {
  readonly changes: readonly StoredChange[]
  readonly isReplay: boolean
  readonly begin: (session: ClientSession) => Promise<Found>
}

/** Somebody else has changed the quarantine since it was looked at. */
class QuarantineMoved extends Error {}

/** Values that are replayed in one transaction. */
const replayBytesMax = 16 * 1024 * 1024
const replayEntriesMax = 500
const replayAttemptsMax = 8

/**
 * Writes one space, one transaction after the other: steps from checkpoint to checkpoint, and
 * replays of what is in quarantine. A step first writes the checkpoint, so that of two writers one
 * fails before it has written anything. What MongoDB refuses is left out and put into quarantine in
 * the same transaction. Keeps nothing that matters: who is in quarantine is checked against the
 * checkpoint.
 */
export class SpaceWriter {
  readonly #client: MongoClient
  readonly #database: Db
  readonly #checkpoints: Collection<CheckpointDocument>
  readonly #logName: LogName
  readonly #clock: Clock
  readonly #quarantine: MongoQuarantine
  readonly #quarantinedMax: number
  readonly #session: WriterSession

  constructor(
    client: MongoClient,
    database: Db,
    logName: LogName,
    clock: Clock,
    quarantine: MongoQuarantine,
    quarantinedMax: number,
  ) {
    this.#client = client
    this.#database = database
    this.#checkpoints = database.collection(checkpointsName)
    this.#logName = logName
    this.#clock = clock
    this.#quarantine = quarantine
    this.#quarantinedMax = quarantinedMax
    const writers = database.collection<WriterDocument>(writersName)
    this.#session = new WriterSession(client, writers, logName, clock)
  }

  /**
   * `leftBehind`: caches whose documents go when this is the first checkpoint.
   * @throws GridError `stale_writer`, `quarantine_full`; what MongoDB fails with
   */
  async apply(
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
    leftBehind: readonly string[],
  ): Promise<void> {
    const caches = [...new Set(changes.map(({ cache }) => cache))]
    const begin = async (session: ClientSession) => {
      const found = await this.#moveCheckpoint(from, next, caches, session)
      if (found.isFirst) {
        for (const documents of leftBehind.map((cache) => this.#documents(cache)))
          await documents.collection.deleteMany(documents.all, { session })
        await this.#quarantine.clear(this.#logName, session)
      }
      return found
    }
    await this.#session.inTurn(() => this.#write({ changes, isReplay: false, begin }))
  }

  /**
   * Wherever the checkpoint is, and whatever it says, it is `building` then, and the quarantine is
   * empty. Documents stay.
   */
  async begin(building: Checkpoint): Promise<void> {
    const { position, logIdentity, digest, entries, replicated } = building
    const document = {
      ...{ position, logIdentity, digest, entries, caches: [] },
      replicated: new Binary(replicated),
    }
    await this.#session.inTurn(() =>
      runTransaction(this.#session, this.#clock, async (session) => {
        await this.#checkpoints.replaceOne({ _id: this.#logName }, document, {
          ...{ session, upsert: true },
        })
        await this.#quarantine.clear(this.#logName, session)
      }),
    )
  }

  /** Again while that lets some go: what they held may have been in the way of others. */
  async replay(keys: readonly EntryKey[] | undefined): Promise<Replayed> {
    const wanted = keys && new Set(keys.map((key) => this.#idOf(key)))
    const waiting = async () =>
      (await this.#quarantine.list(this.#logName)).filter(
        (entry) => wanted?.has(this.#idOf(entry)) ?? true,
      )
    const released: EntryKey[] = []
    for (let refused = await waiting(); ; ) {
      const before = released.length
      for (const some of inBatches(refused)) released.push(...(await this.#replaySome(some)))
      refused = await waiting()
      if (refused.length === 0 || released.length === before) return { released, refused }
    }
  }

  /**
   * Puts a checkpoint where there is none, or a damaged one. `caches`: those that have documents.
   * @throws GridError `stale_writer`
   */
  async restore(known: Checkpoint, caches: readonly string[]): Promise<void> {
    this.#quarantine.forget(this.#logName)
    await this.#session.inTurn(() =>
      runTransaction(this.#session, this.#clock, async (session) => {
        const found = await this.#checkpoints.findOne({ _id: this.#logName }, { session })
        if (found && !isDamaged(found))
          throw new GridError('stale_writer', `${this.#logName} has a checkpoint`)
        const mark = await this.#quarantine.newMark(this.#logName, session)
        const all = [...new Set([...caches, ...(Array.isArray(found?.caches) ? found.caches : [])])]
        const fields = { ...checkpointFields(this.#logName, known), caches: all }
        const document = mark ? { ...fields, quarantine: mark } : fields
        await this.#checkpoints.replaceOne({ _id: this.#logName }, document, {
          ...{ session, upsert: true },
        })
      }),
    )
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  /** What changes faster than it is replayed is tried by the writer all the time. */
  async #replaySome(entries: readonly QuarantinedEntry[]): Promise<readonly EntryKey[]> {
    for (let attempt = 0; attempt < replayAttemptsMax; attempt++)
      try {
        return await this.#replayOnce(entries.map((entry) => this.#idOf(entry)))
      } catch (error) {
        if (!(error instanceof QuarantineMoved)) throw error
      }
    return []
  }

  async #replayOnce(ids: readonly string[]): Promise<readonly EntryKey[]> {
    const changes: StoredChange[] = []
    await this.#client.withSession({ snapshot: true }, async (session) => {
      for await (const chunk of this.#quarantine.chunks(this.#logName, ofSnapshot(session), ids))
        changes.push(...chunk)
    })
    const versions = new Map(changes.map((change) => [this.#idOf(change), change.version]))
    const begin = async (session: ClientSession) => {
      const mark = await this.#readMark(session)
      // A writer may have put a later version there since: then that one is what has to be tried.
      // If it does so from now on, both write the same documents, and one of the transactions has
      // to begin anew.
      const now = await this.#quarantine.list(this.#logName, session)
      const same = now.filter((entry) => versions.get(this.#idOf(entry)) === entry.version)
      if (same.length < versions.size) throw new QuarantineMoved()
      return { mark, isFirst: false }
    }
    return await this.#session.inTurn(() => this.#write({ changes, isReplay: true, begin }))
  }

  /** Returns those that have left quarantine. */
  async #write(step: Step): Promise<readonly EntryKey[]> {
    for (;;) {
      const known = await this.#quarantine.known(this.#logName, () => this.#readMark())
      const sieve = this.#sieve(step, known)
      try {
        sieve.refuseUnfaithful()
        await sieve.trySuspects((change) => this.#isKnown(known, change))
        return await this.#writePast(step, known, sieve)
      } catch (error) {
        // The outcome may be unknown, or somebody else has been here.
        this.#quarantine.forget(this.#logName)
        if (!(error instanceof QuarantineMoved) || step.isReplay) throw error
      }
    }
  }

  async #writePast(step: Step, known: Quarantined, sieve: Sieve): Promise<readonly EntryKey[]> {
    for (;;)
      try {
        if (sieve.refused.length > 0) await this.#quarantine.prepare()
        let released: readonly EntryKey[] = []
        let after = known
        await runTransaction(this.#session, this.#clock, async (session) => {
          const { mark, isFirst } = await step.begin(session)
          if (revisionOf(mark) !== known.revision) throw new QuarantineMoved()
          for (const [cache, changes] of sieve.taken) {
            const mode = isFirst ? 'insert' : sieve.modeOf(cache)
            await writeChanges(this.#documents(cache), changes, session, mode)
          }
          released = [...sieve.taken.values()]
            .flat()
            .filter((change) => this.#isKnown(known, change))
            .map(({ cache, key }) => ({ cache, key }))
          const { refused } = sieve
          const { isReplay } = step
          after = await this.#quarantine.update(
            this.#logName,
            known,
            refused,
            released,
            session,
            isReplay,
          )
          if (after !== known) await this.#setMark(after, session)
        })
        this.#quarantine.remember(this.#logName, after)
        return released
      } catch (error) {
        if (!(error instanceof ChangesRefused)) throw error
        await sieve.learn(error)
      }
  }

  #sieve({ changes }: Step, known: Quarantined): Sieve {
    let room = this.#quarantinedMax - known.ids.size
    return new Sieve(
      this.#client,
      this.#clock,
      (cache) => this.#documents(cache),
      changes,
      (change) => {
        if (this.#isKnown(known, change) || --room >= 0) return
        throw new GridError(
          'quarantine_full',
          `MongoDB refuses more than ${this.#quarantinedMax} entries of ${this.#logName}; repair it (npx spacegrid quarantine list), then replay`,
        )
      },
    )
  }

  #isKnown({ ids }: Quarantined, change: StoredChange): boolean {
    return ids.size > 0 && ids.has(this.#idOf(change))
  }

  #idOf(entry: EntryKey): string {
    return quarantineId(this.#logName, entry)
  }

  async #moveCheckpoint(
    from: number,
    next: Checkpoint,
    caches: readonly string[],
    session: ClientSession,
  ): Promise<Found> {
    try {
      const { value, lastErrorObject } = await this.#checkpoints.findOneAndUpdate(
        { _id: this.#logName, position: from },
        {
          $set: checkpointFields(this.#logName, next),
          $addToSet: { caches: { $each: [...caches] } },
        },
        {
          ...{ session, includeResultMetadata: true, returnDocument: 'after' },
          projection: { quarantine: 1 },
          // With a checkpoint at another position this inserts a second one, and fails.
          upsert: from === 0,
        },
      )
      if (value)
        return { mark: value.quarantine, isFirst: lastErrorObject?.updatedExisting === false }
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== duplicateKey) throw error
    }
    throw new GridError('stale_writer', `${this.#logName} is not stored at position ${from}`)
  }

  async #readMark(session?: ClientSession): Promise<QuarantineMark | undefined> {
    const options = { projection: { quarantine: 1 }, ...(session ? { session } : {}) }
    return (await this.#checkpoints.findOne({ _id: this.#logName }, options))?.quarantine
  }

  async #setMark(quarantined: Quarantined, session: ClientSession): Promise<void> {
    const mark = markOf(this.#logName, quarantined)
    const change = mark ? { $set: { quarantine: mark } } : { $unset: { quarantine: true as const } }
    await this.#checkpoints.updateOne({ _id: this.#logName }, change, { session })
  }

  #documents(cache: string): CacheDocuments {
    return new CacheDocuments(this.#database, this.#logName, cache)
  }
}

function isDamaged(document: CheckpointDocument): boolean {
  try {
    toCheckpoint(document)
    return false
  } catch (error) {
    if (!isGridError(error, 'record_damaged')) throw error
    return true
  }
}

function inBatches(entries: readonly QuarantinedEntry[]): QuarantinedEntry[][] {
  const batches: QuarantinedEntry[][] = []
  let room = 0
  for (const entry of entries) {
    const last = batches.at(-1)
    room -= entry.bytes
    if (last && room >= 0 && last.length < replayEntriesMax) last.push(entry)
    else {
      batches.push([entry])
      room = replayBytesMax - entry.bytes
    }
  }
  return batches
}
