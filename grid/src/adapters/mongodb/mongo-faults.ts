import {
  BSON,
  MongoBulkWriteError,
  MongoError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb'
import { GridError } from '../../errors.ts'

export const duplicateKey = 11000
export const namespaceExists = 48
const illegalOperation = 20
const notAReplicaSet = 123
const unauthorized = 13
const authenticationFailed = 18

/** Codes that a single write can fail with although nothing is wrong with what it writes. */
const notTheEntry = new Set<unknown>([
  1, // InternalError
  8, // UnknownError
  unauthorized,
  authenticationFailed,
  illegalOperation,
  39, // FileStreamFailed
  50, // MaxTimeMSExpired
  146, // ExceededMemoryLimit
  262, // ExceededTimeLimit
  11601, // Interrupted
  14031, // OutOfDiskSpace
])

/**
 * MongoDB refuses an entry for what it is (too large, nested too deeply, against a validation rule
 * or a unique index that somebody has added). The same entry will be refused again, while
 * everything else would go through.
 */
export class EntryRefused extends GridError {
  readonly cache: string
  readonly key: string
  readonly reason: string

  constructor(cache: string, key: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super('internal', `MongoDB refuses the entry ${JSON.stringify(key)} of ${cache}: ${reason}`, {
      cause,
      details: { cache, key, reason },
    })
    this.name = 'EntryRefused'
    this.cache = cache
    this.key = key
    this.reason = reason
  }
}

/** Nothing of the transaction has been committed, and the same transaction may go through later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')

/** The commit may or may not have happened: asking again answers. */
export const isCommitUnknown = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult')

/**
 * Whether a bulk write may have failed for what one of its documents is, not for the state of the
 * world.
 */
export function mayBeRefusal(error: unknown): boolean {
  if (isTransient(error)) return false
  // The driver wraps whatever happens to a bulk write, lost connections included; only the server's
  // own errors have a code.
  if (error instanceof MongoBulkWriteError)
    return error.code !== undefined && !notTheEntry.has(error.code)
  // Thrown while documents are turned into BSON. An invalid argument is how the driver says "too
  // large".
  const { name } = error as Error
  return BSON.BSONError.isBSONError(error) || error instanceof RangeError || name === tooLarge
}

const tooLarge = 'MongoInvalidArgumentError'

/** What the port promises of any other fault. Bugs are not the world's faults and pass through. */
export function toStoreError(error: unknown, doing: string): unknown {
  if (error instanceof GridError || !(error instanceof MongoError)) return error
  const code = error instanceof MongoServerError ? error.code : undefined
  if (code === illegalOperation || code === notAReplicaSet) return noReplicaSet(error)
  // The driver strikes servers off that do not belong to the replica set of the URL; it says so
  // only here.
  if (error instanceof MongoServerSelectionError && error.reason?.servers.size === 0)
    return noReplicaSet(error)
  if (code === unauthorized || code === authenticationFailed)
    return new GridError('configuration_invalid', `${doing}: MongoDB says: ${error.message}`, {
      cause: error,
    })
  return new GridError('store_unavailable', `${doing}: ${error.message}`, { cause: error })
}

export const noReplicaSet = (cause?: unknown): GridError =>
  new GridError(
    'configuration_invalid',
    'MongoDB must run as a replica set, for only such a one has transactions (one member suffices)',
    { cause },
  )
