import type { AnyBulkWriteOperation, ClientSession, MongoClient } from 'mongodb'
import { GridError } from '../../core/errors.ts'
import { type Clock, sleep } from '../../engine/ports/clock.ts'
import { isRemovedIfInMemory, type StoredChange } from '../../engine/ports/store.ts'
import { type CacheDocuments, notArchived } from './cache-documents.ts'
import type { EntryDocument } from './mongo-document.ts'
import { isCommitUnknown, isTransient, keyTaken, type Refusal, refusalOf } from './mongo-faults.ts'
import type { WriterSession } from './mongo-writer-session.ts'

/** What a transaction commits is on the disks of a majority. */
const transactionOptions = {
  readPreference: 'primary',
  readConcern: { level: 'local' },
  writeConcern: { w: 'majority', journal: true },
} as const

/** Operations handed to the driver at once: it turns all of them into BSON in one turn. */
const operationsAtOnce = 10_000
const attemptsMax = 8
const firstPauseMs = 5
const pauseMsMax = 100

export type Work = (session: ClientSession) => Promise<void>

/**
 * Runs `work` as one MongoDB transaction. Where MongoDB says that the same transaction may go
 * through (another one was in the way, the primary has changed) it is tried again, a bounded number
 * of times and with longer and longer pauses.
 */
export async function runTransaction(
  writer: WriterSession,
  clock: Clock,
  work: Work,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const session = await writer.begin()
    try {
      session.startTransaction(transactionOptions)
      await work(session)
      await commit(session)
      writer.committed()
      return
    } catch (error) {
      await abandon(session)
      if (!isTransient(error)) throw error
      if (await writer.failed(error)) continue
      if (attempt >= attemptsMax)
        throw new GridError('store_unavailable', `MongoDB gave up ${attempt} transactions`, {
          cause: error,
        })
    }
    await sleep(clock, Math.min(firstPauseMs * 2 ** attempt, pauseMsMax))
  }
}

/**
 * A commit whose outcome is unknown is asked for again: MongoDB answers the same for the same
 * transaction.
 */
async function commit(session: ClientSession): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await session.commitTransaction()
      return
    } catch (error) {
      if (!isCommitUnknown(error) || isTransient(error) || attempt === 3) throw error
    }
}

async function abandon(session: ClientSession): Promise<void> {
  if (!session.inTransaction()) return
  try {
    await session.abortTransaction()
  } catch {
    // The server ends it by itself after a while; whoever waits has been given the error that
    // matters.
  }
}

/**
 * Something of what a transaction writes is refused for what it is. The transaction has written
 * nothing.
 */
export class ChangesRefused extends Error {
  readonly changes: readonly StoredChange[]
  readonly refusal: Refusal
  readonly mode: WriteMode

  /** `changes`: values of one cache, one of which is refused. */
  constructor(changes: readonly StoredChange[], refusal: Refusal, mode: WriteMode, cause: unknown) {
    super(refusal.reason, { cause })
    this.name = 'ChangesRefused'
    this.changes = changes
    this.refusal = refusal
    this.mode = mode
  }
}

/**
 * How changes are written. `insert`: nothing is stored yet, so nothing needs to be looked for.
 * `replace`: each in the place of what is there. `remove first`: when all that is replaced has been
 * removed, so that no unique index stands in the way of what is true only afterwards.
 */
export type WriteMode = 'insert' | 'replace' | 'remove first'

/**
 * Writes changes of one cache, as a part of the session's transaction. Deletions come first: they
 * are never refused, and what they leave may be needed.
 * @throws ChangesRefused
 */
export async function writeChanges(
  documents: CacheDocuments,
  changes: readonly StoredChange[],
  session: ClientSession,
  mode: WriteMode,
): Promise<void> {
  const gone = mode === 'insert' ? [] : changes.filter((it) => mode !== 'replace' || !it.value)
  for (let from = 0; from < gone.length; from += operationsAtOnce) {
    const some = gone.slice(from, from + operationsAtOnce)
    const always = keysOf(some.filter((change) => !isRemovedIfInMemory(change)))
    const inMemory = keysOf(some.filter(isRemovedIfInMemory))
    const { collection, byId } = documents
    if (always.length > 0)
      await collection.deleteMany(documents.ofKeys(always), { session, ...byId })
    if (inMemory.length > 0) {
      const filter = { ...documents.ofKeys(inMemory), ...notArchived }
      await collection.deleteMany(filter, { session, ...byId })
    }
  }
  const puts = changes.filter(({ value }) => value !== undefined)
  for (let from = 0; from < puts.length; from += operationsAtOnce)
    await writePuts(documents, puts.slice(from, from + operationsAtOnce), session, mode)
}

async function writePuts(
  documents: CacheDocuments,
  puts: readonly StoredChange[],
  session: ClientSession,
  mode: WriteMode,
): Promise<void> {
  if (mode === 'replace' && documents.isShared) await refuseTaken(documents, puts, session)
  try {
    // In order, so that nothing follows the first error: it ends the transaction, and whatever came
    // then would fail for that, and hide the error.
    const operation = mode === 'replace' ? replacement : insertion
    const operations = puts.map((change) => operation(documents, change))
    await documents.collection.bulkWrite(operations, { session, ordered: true })
  } catch (error) {
    const refusal = refusalOf(error, documents.isShared)
    throw refusal ? new ChangesRefused(puts, refusal, mode, error) : error
  }
}

/**
 * Once for all, for a replacement that is not by the id alone costs more than twice as much. Who
 * writes such a key at the same time is in the way of this transaction, or this one of that.
 */
async function refuseTaken(
  documents: CacheDocuments,
  puts: readonly StoredChange[],
  session: ClientSession,
): Promise<void> {
  const options = { session, projection: { _id: 1 }, ...documents.byId }
  const filter = documents.takenOf(puts.map(({ key }) => key))
  const taken = await documents.collection.findOne(filter, options)
  if (!taken) return
  const at = puts.findIndex(({ key }) => key === documents.keyOf(taken._id))
  throw new ChangesRefused(puts, keyTaken(at), 'replace', undefined)
}

const keysOf = (changes: readonly StoredChange[]): string[] => changes.map(({ key }) => key)

type Operation = AnyBulkWriteOperation<EntryDocument>

const insertion = (documents: CacheDocuments, change: StoredChange): Operation => ({
  insertOne: { document: documents.toDocument(change) },
})

const replacement = (documents: CacheDocuments, change: StoredChange): Operation => ({
  replaceOne: {
    filter: { _id: documents.idOf(change.key) },
    replacement: documents.toDocument(change),
    upsert: true,
  },
})

/**
 * Why MongoDB refuses one of the changes of a cache; undefined when it takes them all. Nothing is
 * written.
 */
export async function tryOut(
  client: MongoClient,
  clock: Clock,
  documents: CacheDocuments,
  changes: readonly StoredChange[],
): Promise<ChangesRefused | undefined> {
  for (let attempt = 1; ; attempt++) {
    const session = client.startSession()
    try {
      session.startTransaction(transactionOptions)
      await writeChanges(documents, changes, session, 'replace')
      return undefined
    } catch (error) {
      if (error instanceof ChangesRefused) return error
      if (!isTransient(error) || attempt >= attemptsMax) throw error
    } finally {
      await abandon(session)
      await session.endSession()
    }
    await sleep(clock, Math.min(firstPauseMs * 2 ** attempt, pauseMsMax))
  }
}
