import { GridError, isGridError } from '../errors.ts'
import { type Frame, FrameKind } from '../space/frame.ts'
import type { SpaceShape } from '../space/shape.ts'
import type { TransactionRecord } from '../space/steps.ts'
import { messagePack } from './message-pack.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'
import { readTransactions, writeTransactions } from './transaction-codec.ts'

/** A whole frame of another format is of another version: a replica that meets one stops serving rather than guess. */
export const frameFormat = 3
/** The format before, without a seal: logs hold such frames for as long as they are not trimmed. */
const unsealedFormat = 2

type Packed = unknown[]

/** Frames to bytes: one flat list, so that the protocol's own field names take no room. */
export function encodeFrame(frame: Frame): Uint8Array {
  return seal(frameFormat, messagePack.pack(packFrame(frame)))
}

/**
 * @throws GridError `record_damaged`: no frame of any version, which every replica passes over; `format_unsupported`: a whole one, of another
 * version
 */
export function decodeFrame(data: Uint8Array): Frame {
  const format = sealedFormat(data)
  if (format === undefined) return readable(() => unpackUnsealed(messagePack.unpack(data)))
  if (format !== frameFormat)
    throw new GridError(
      'format_unsupported',
      `A frame has format ${format}; this version reads format ${frameFormat}`,
    )
  return readable(() => unpackFrame(messagePack.unpack(sealedBody(data)) as Packed))
}

function unpackUnsealed(packed: unknown): Frame {
  if (!Array.isArray(packed) || packed[0] !== unsealedFormat) throw damaged('it is no frame')
  const [, kind, ...rest] = packed as Packed
  if (kind === FrameKind.join || kind === FrameKind.shape) return unpackFrame([kind, ...rest, null])
  return unpackFrame([kind, ...rest.slice(0, 4), null, ...rest.slice(4)])
}

export const encodeTransactions = (transactions: readonly TransactionRecord[]): Uint8Array =>
  messagePack.pack(writeTransactions([], transactions))

/** @throws GridError `record_damaged` */
export function decodeTransactions(parts: readonly Uint8Array[]): TransactionRecord[] {
  return readable(() => readTransactions(messagePack.unpack(Buffer.concat(parts)) as Packed, 0))
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

function packFrame(frame: Frame): Packed {
  const { kind, at = null } = frame
  if (kind === FrameKind.join) return [kind, frame.unit, frame.nonce, at]
  if (kind === FrameKind.shape) return [kind, frame.shape, at]
  const { origin, id, previous, deadline } = frame
  const link: Packed = [kind, origin, id, previous, deadline, at]
  if (kind === FrameKind.transactions) {
    link.push(frame.parts)
    return writeTransactions(link, frame.transactions)
  }
  if (kind === FrameKind.part) link.push(frame.bytes)
  return link
}

function unpackFrame(packed: Packed): Frame {
  const kind = packed[0] as Frame['kind']
  if (kind === FrameKind.join)
    return { kind, unit: packed[1] as string, nonce: packed[2] as number, ...timeOf(packed[3]) }
  if (kind === FrameKind.shape)
    return { kind, shape: packed[1] as SpaceShape, ...timeOf(packed[2]) }
  const [, origin, id, previous, deadline] = packed as number[]
  const place = { origin, id, previous, deadline } as Link
  if (!Object.values(place).every(Number.isSafeInteger)) throw damaged('it has no place in a chain')
  const link = { ...place, ...timeOf(packed[5]) }
  switch (kind) {
    case FrameKind.transactions:
      return {
        kind,
        ...link,
        transactions: readTransactions(packed, 7),
        parts: packed[6] as number,
      }
    case FrameKind.part:
      return { kind, ...link, bytes: packed[6] as Uint8Array }
    case FrameKind.leave:
      return { kind, ...link }
    default:
      throw damaged(`it has the unknown kind ${kind}`)
  }
}

type Link = Readonly<Record<'origin' | 'id' | 'previous' | 'deadline', number>>

const timeOf = (at: unknown): { at?: number } => (typeof at === 'number' ? { at } : {})
