import type { AnyBulkWriteOperation, ClientSession, Collection, MongoClient } from 'mongodb'
import { GridError } from '../../errors.ts'
import { type Clock, sleep } from '../../ports/clock.ts'
import type { StoredChange } from '../../ports/store.ts'
import { type EntryDocument, toDocument } from './mongo-document.ts'
import { EntryRefused, isCommitUnknown, isTransient, mayBeRefusal } from './mongo-faults.ts'

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

export type Work = (session: ClientSession) => Promise<void>

/**
 * Runs `work` as one MongoDB transaction. Where MongoDB says that the same transaction may go
 * through (another one was in the way, the primary has changed) it is tried again, a bounded number
 * of times and with longer and longer pauses.
 */
export async function runTransaction(client: MongoClient, clock: Clock, work: Work): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const session = client.startSession()
    try {
      session.startTransaction(transactionOptions)
      await work(session)
      await commit(session)
      return
    } catch (error) {
      await abandon(session)
      if (!isTransient(error)) throw error
      if (attempt === attemptsMax)
        throw new GridError('store_unavailable', `MongoDB gave up ${attempt} transactions`, {
          cause: error,
        })
    } finally {
      await session.endSession()
    }
    await sleep(clock, firstPauseMs * 2 ** attempt)
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
 * Writes changes of one cache, as a part of the session's transaction. `fresh`: nothing is stored
 * yet, so nothing needs to be looked for.
 */
export async function writeChanges(
  client: MongoClient,
  collection: Collection<EntryDocument>,
  changes: readonly StoredChange[],
  session: ClientSession,
  fresh: boolean,
): Promise<void> {
  for (let from = 0; from < changes.length; from += operationsAtOnce) {
    const some = changes.slice(from, from + operationsAtOnce)
    try {
      await collection.bulkWrite(
        some.flatMap((change) => operationOf(change, fresh)),
        { session, ordered: false },
      )
    } catch (error) {
      if (!mayBeRefusal(error)) throw error
      await abandon(session)
      throw (await findRefused(client, collection, some)) ?? error
    }
  }
}

function operationOf(change: StoredChange, fresh: boolean): AnyBulkWriteOperation<EntryDocument>[] {
  const filter = { _id: change.key }
  if (change.value === undefined) return fresh ? [] : [{ deleteOne: { filter } }]
  const document = toDocument(change)
  if (fresh) return [{ insertOne: { document } }]
  return [{ replaceOne: { filter, replacement: document, upsert: true } }]
}

/**
 * Which entry MongoDB refuses. Its error does not always say (too deep a nesting fails the whole
 * command), so the changes are halved, each half being tried in a transaction that is given up,
 * until one is left that fails alone. undefined: none does any more.
 */
async function findRefused(
  client: MongoClient,
  collection: Collection<EntryDocument>,
  changes: readonly StoredChange[],
): Promise<EntryRefused | undefined> {
  let suspects = changes
  while (suspects.length > 1) {
    const left = suspects.slice(0, suspects.length >> 1)
    suspects = (await tryOut(client, collection, left)) ? left : suspects.slice(left.length)
  }
  const suspect = suspects[0]!
  const refusal = await tryOut(client, collection, suspects)
  return refusal && new EntryRefused(suspect.cache, suspect.key, refusal.cause)
}

/** Why MongoDB refuses one of the changes; undefined when it takes them all. Nothing is written. */
async function tryOut(
  client: MongoClient,
  collection: Collection<EntryDocument>,
  changes: readonly StoredChange[],
): Promise<{ readonly cause: unknown } | undefined> {
  const session = client.startSession()
  try {
    session.startTransaction(transactionOptions)
    await collection.bulkWrite(
      changes.flatMap((change) => operationOf(change, false)),
      { session, ordered: false },
    )
    return undefined
  } catch (error) {
    if (mayBeRefusal(error)) return { cause: error }
    throw error
  } finally {
    await abandon(session)
    await session.endSession()
  }
}
