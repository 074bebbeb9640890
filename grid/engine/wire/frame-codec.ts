import { GridError, isGridError } from '../../core/errors.ts'
import { type ChainLink, type Frame, FrameKind } from '../../core/frame.ts'
import { mayArchive } from '../../core/shape.ts'
import { isAcross, isArchiving, type TransactionRecord } from '../../core/steps.ts'
import { messagePack } from './message-pack.ts'
import { packListInPieces, unpackListInPieces, unpackRecord } from './packed-bytes.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'
import { checkedShape } from './shape-codec.ts'
import {
  readTransactions,
  readTransactionsInPieces,
  writeTransactionInPieces,
  writeTransactions,
} from './transaction-codec.ts'

/**
 * A whole frame of another format is of another version: a replica that meets one stops serving
 * rather than guess.
 */
export const frameFormat = 3
/**
 * Of frames with something of commands across partitions, which only divided spaces have: versions
 * that know nothing of those stop before them.
 */
export const acrossFormat = 4
/**
 * Of frames in which something leaves memory, and of definitions by which something may: written
 * like those of commands across partitions, and followed by no version that does not know of it.
 */
export const archiveFormat = 5
/** The format before, without a seal: logs hold such frames for as long as they are not trimmed. */
const unsealedFormat = 2

type Packed = unknown[]

/** Frames to bytes: one flat list, so that the protocol's own field names take no room. */
export function encodeFrame(frame: Frame): Uint8Array {
  const archiving = isOfArchive(frame)
  const across = archiving ? frame.kind === FrameKind.transactions : isOfAcross(frame)
  const format = archiving ? archiveFormat : across ? acrossFormat : frameFormat
  return seal(format, messagePack.pack(packFrame(frame, across)))
}

const isOfArchive = (frame: Frame): boolean => {
  if (frame.kind === FrameKind.shape) return mayArchive(frame.shape)
  return frame.kind === FrameKind.transactions && frame.transactions.some(isArchiving)
}

const isOfAcross = (frame: Frame): boolean =>
  frame.kind === FrameKind.transactions &&
  (frame.across === true || frame.transactions.some(isAcross))

/**
 * @throws GridError `record_damaged`: no frame of any version, which every replica passes over;
 * `format_unsupported`: a whole one, of another version
 */
export function decodeFrame(data: Uint8Array): Frame {
  const format = sealedFormat(data)
  if (format === undefined) return readable(() => unpackUnsealed(unpackRecord(data)))
  if (format < frameFormat || format > archiveFormat)
    throw new GridError(
      'format_unsupported',
      `A frame has format ${format}; this version reads formats ${frameFormat} to ${archiveFormat}`,
    )
  return readable(() => {
    const packed = unpackRecord(sealedBody(data))
    const isShape = format === archiveFormat && (packed as Packed)[0] === FrameKind.shape
    return unpackFrame(packed, format !== frameFormat && !isShape)
  })
}

function unpackUnsealed(packed: unknown): Frame {
  if (!Array.isArray(packed) || packed[0] !== unsealedFormat) throw damaged('it is no frame')
  const [, kind, ...rest] = packed as Packed
  if (kind === FrameKind.skip) throw damaged('its format has no such kind')
  if (kind === FrameKind.join || kind === FrameKind.shape)
    return unpackFrame([kind, ...rest, null], false)
  return unpackFrame([kind, ...rest.slice(0, 4), null, ...rest.slice(4)], false)
}

export const encodeTransactions = (transactions: readonly TransactionRecord[]): Uint8Array =>
  messagePack.pack(writeTransactions([], transactions, transactions.some(isAcross)))

/** One transaction as `decodeTransactions` reads it, a piece at a time. */
export function* encodeInPieces(transaction: TransactionRecord): Generator<void, Uint8Array> {
  const items = yield* writeTransactionInPieces(transaction)
  return (yield* packListInPieces(items)) ?? encodeTransactions([transaction])
}

/** @throws GridError `record_damaged` */
export function decodeTransactions(
  parts: readonly Uint8Array[],
  across = false,
): TransactionRecord[] {
  return readable(() => readTransactions(unpackRecord(Buffer.concat(parts)) as Packed, 0, across))
}

/** The same as `decodeTransactions`, a piece at a time. @throws GridError `record_damaged` */
export function* decodeInPieces(
  parts: readonly Uint8Array[],
): Generator<void, readonly TransactionRecord[]> {
  const bytes = Buffer.concat(parts)
  try {
    const packed = yield* unpackListInPieces(bytes)
    return packed ? yield* readTransactionsInPieces(packed) : decodeTransactions([bytes])
  } catch (error) {
    if (isGridError(error, 'record_damaged')) throw error
    throw damaged('it cannot be read', error)
  }
}

/** Bytes that are no frame fail in many ways; to a replica they are all one. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isGridError(error, 'record_damaged')) throw error
    throw damaged('it cannot be read', error)
  }
}

const damaged = (why: string, cause?: unknown) =>
  new GridError('record_damaged', `A record is no frame: ${why}`, { cause })

function packFrame(frame: Frame, across: boolean): Packed {
  const { kind, at = null } = frame
  if (kind === FrameKind.join) return [kind, frame.unit, frame.nonce, at]
  if (kind === FrameKind.shape) return [kind, frame.shape, at]
  if (kind === FrameKind.skip) return [kind, frame.position, at]
  const { origin, id, previous, deadline } = frame
  const link: Packed = [kind, origin, id, previous, deadline, at]
  if (kind === FrameKind.transactions) {
    link.push(frame.parts)
    return writeTransactions(link, frame.transactions, across)
  }
  if (kind === FrameKind.part) link.push(frame.bytes)
  return link
}

function unpackFrame(packed: unknown, across: boolean): Frame {
  if (!Array.isArray(packed)) throw damaged('it is no list')
  const kind = packed[0] as Frame['kind']
  if (across && kind !== FrameKind.transactions) throw damaged('its format has no such kind')
  switch (kind) {
    case FrameKind.join: {
      const [, unit, nonce, at] = packed as Packed
      if (typeof unit !== 'string' || !isCount(nonce)) throw damaged('nobody joins by it')
      return { kind, unit, nonce, ...timeOf(at) }
    }
    case FrameKind.shape:
      return { kind, shape: checkedShape(packed[1]), ...timeOf(packed[2]) }
    case FrameKind.skip: {
      const [, position, at] = packed as Packed
      if (!isCount(position) || position === 0) throw damaged('it passes over no position')
      return { kind, position, ...timeOf(at) }
    }
    case FrameKind.transactions: {
      const parts: unknown = packed[6]
      if (!isCount(parts)) throw damaged('it has no number of parts')
      const transactions = readTransactions(packed, 7, across)
      return { kind, ...linkOf(packed), transactions, parts, ...(across ? { across } : {}) }
    }
    case FrameKind.part: {
      const bytes: unknown = packed[6]
      if (!(bytes instanceof Uint8Array)) throw damaged('it has no bytes')
      return { kind, ...linkOf(packed), bytes }
    }
    case FrameKind.leave:
      return { kind, ...linkOf(packed) }
    default:
      throw damaged(`it has the unknown kind ${JSON.stringify(kind)}`)
  }
}

function linkOf([, origin, id, previous, deadline, at]: Packed): ChainLink {
  if (!isCount(origin) || !isCount(id) || !isCount(previous) || !isCount(deadline))
    throw damaged('it has no place in a chain')
  return { origin, id, previous, deadline, ...timeOf(at) }
}

const isCount = (item: unknown): item is number =>
  Number.isSafeInteger(item) && (item as number) >= 0

/** Beyond what a date can say it is no time. */
const timeMax = 8.64e15

function timeOf(at: unknown): { at?: number } {
  if (at === null || at === undefined) return {}
  if (typeof at !== 'number' || !(Math.abs(at) <= timeMax)) throw damaged('it was sent at no time')
  return { at }
}
