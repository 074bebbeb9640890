import { GridError, isGridError } from '../errors.ts'
import { type Frame, FrameKind } from '../space/frame.ts'
import type { SpaceShape } from '../space/shape.ts'
import type { TransactionRecord } from '../space/steps.ts'
import { messagePack } from './message-pack.ts'
import { readTransactions, writeTransactions } from './transaction-codec.ts'

/** First item of every frame. A replica that meets another one stops serving rather than guess. */
export const frameFormat = 2

type Packed = unknown[]

/** Frames to bytes: one flat list, so that the protocol's own field names take no room. */
export function encodeFrame(frame: Frame): Uint8Array {
  return messagePack.pack(packFrame(frame))
}

/** @throws GridError `format_unsupported` */
export function decodeFrame(data: Uint8Array): Frame {
  return readable(() => {
    const packed = messagePack.unpack(data) as Packed
    const [format] = packed
    if (format !== frameFormat)
      throw new GridError(
        'format_unsupported',
        `A frame has format ${format}; this version reads format ${frameFormat}`,
      )
    return unpackFrame(packed)
  })
}

export const encodeTransactions = (transactions: readonly TransactionRecord[]): Uint8Array =>
  messagePack.pack(writeTransactions([], transactions))

/** @throws GridError `format_unsupported` */
export function decodeTransactions(parts: readonly Uint8Array[]): TransactionRecord[] {
  return readable(() => readTransactions(messagePack.unpack(Buffer.concat(parts)) as Packed, 0))
}

/** Bytes that are no frame at all fail in many ways; to a replica they are all one: a format it cannot follow. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isGridError(error)) throw error
    throw new GridError('format_unsupported', 'A frame cannot be read', { cause: error })
  }
}

function packFrame(frame: Frame): Packed {
  if (frame.kind === FrameKind.join) return [frameFormat, frame.kind, frame.unit, frame.nonce]
  if (frame.kind === FrameKind.shape) return [frameFormat, frame.kind, frame.shape]
  const { kind, origin, id, previous, deadline } = frame
  const link: Packed = [frameFormat, kind, origin, id, previous, deadline]
  if (kind === FrameKind.transactions) {
    link.push(frame.parts)
    return writeTransactions(link, frame.transactions)
  }
  if (kind === FrameKind.part) link.push(frame.bytes)
  return link
}

function unpackFrame(packed: Packed): Frame {
  const kind = packed[1] as Frame['kind']
  if (kind === FrameKind.join)
    return { kind, unit: packed[2] as string, nonce: packed[3] as number }
  if (kind === FrameKind.shape) return { kind, shape: packed[2] as SpaceShape }
  const [, , origin, id, previous, deadline] = packed as number[]
  const link = { origin, id, previous, deadline } as Link
  if (!Object.values(link).every(Number.isSafeInteger))
    throw new GridError('format_unsupported', 'A frame has no place in a chain')
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
      throw new GridError('format_unsupported', `A frame has the unknown kind ${kind}`)
  }
}

type Link = Readonly<Record<'origin' | 'id' | 'previous' | 'deadline', number>>
