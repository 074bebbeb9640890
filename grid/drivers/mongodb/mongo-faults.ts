import {
  BSON,
  MongoBulkWriteError,
  MongoError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb'
import { GridError } from '../../core/errors.ts'

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
  166, // CommandNotSupportedOnView
  257, // TransactionTooLarge
  262, // ExceededTimeLimit
  11601, // Interrupted
  14031, // OutOfDiskSpace
])

/** What MongoDB says against a document, for what that document is. */
export interface Refusal {
  /** Of the server; undefined: the document cannot even be sent. */
  readonly code: number | undefined
  readonly reason: string
  /** Which operation of the bulk write it was; undefined: not told. */
  readonly at: number | undefined
  /** Another partition of the space has a document with this key. */
  readonly isKeyTaken?: boolean
}

const reasonLengthMax = 2000
const tooLarge = 'MongoInvalidArgumentError'

/** Nothing of the transaction has been committed, and the same transaction may go through later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')

/** The commit may or may not have happened: asking again answers. */
export const isCommitUnknown = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult')

/**
 * Why a bulk write has failed, if that may be for what one of its documents is (too large, nested
 * too deeply, against a validation rule or a unique index that somebody has added); undefined: it
 * is for the state of the world.
 * @param isShared partitions of a space share the collection
 */
export function refusalOf(error: unknown, isShared = false): Refusal | undefined {
  if (isTransient(error)) return undefined
  // The driver wraps whatever happens to a bulk write, lost connections included; only the server's
  // own errors have a code.
  if (error instanceof MongoBulkWriteError) {
    if (typeof error.code !== 'number' || notTheEntry.has(error.code)) return undefined
    const [first] = [error.writeErrors].flat()
    const { errInfo } = first?.err ?? {}
    const details = errInfo ? `: ${JSON.stringify(errInfo.details ?? errInfo)}` : ''
    const reason = `${error.message}${details}`.slice(0, reasonLengthMax)
    const { code } = error
    const at = first?.index
    if (code === duplicateKey && / index: _id_ /.test(reason)) {
      // Somebody else's document with our key would be in the way of any of ours.
      if (!isShared) return undefined
      return keyTaken(at)
    }
    return { code, reason, at }
  }
  // Thrown while documents are turned into BSON. An invalid argument is how the driver says "too
  // large".
  const { name, message } = error as Error
  if (!BSON.BSONError.isBSONError(error) && !(error instanceof RangeError) && name !== tooLarge)
    return undefined
  return { code: undefined, reason: message.slice(0, reasonLengthMax), at: undefined }
}

/** @param at which of the changes has the key */
export const keyTaken = (at: number | undefined): Refusal => ({
  code: duplicateKey,
  reason: 'another partition of the space has an entry with this key, which is unique in all of it',
  at,
  isKeyTaken: true,
})

const socketCodes = new Set<unknown>([
  ...['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ENOTCONN', 'ETIMEDOUT'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_SOCKET_CLOSED'],
])

/**
 * Node's own error, not wrapped: so the driver hands on what happens when it writes to a connection
 * that has just been closed.
 */
const isOfSocket = (error: unknown): error is Error =>
  error instanceof Error &&
  !(error instanceof MongoError) &&
  socketCodes.has((error as NodeJS.ErrnoException).code)

/** What the port promises of any other fault. Bugs are not the world's faults and pass through. */
export function toStoreError(error: unknown, doing: string): unknown {
  if (isOfSocket(error))
    return new GridError('store_unavailable', `${doing}: ${error.message}`, { cause: error })
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
