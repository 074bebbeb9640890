import { GridError } from '../../core/errors.ts'
import type { Checkpoint, StoredChange } from '../ports/store.ts'
import { checkedBytes, checkedCount, checkedList, checkedText } from './checked.ts'
import { messagePack } from './message-pack.ts'
import { unpackRecord } from './packed-bytes.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'
import { readChanges, writeChanges } from './snapshot-codec.ts'

/** Of every record of the change queue. */
export const windowFormat = 3
/** Of windows with entries that have left memory. */
export const archiveWindowFormat = 4
/**
 * The format before, without a seal, in the first item: the queue holds such records until it is
 * trimmed.
 */
const unsealedFormat = 2

/** Changes packed, or unpacked, in one turn. */
const segmentChangesMax = 1000
/** Everything of a record beside its bytes: a dozen numbers, a digest and the log's identity. */
const envelopeBytesMax = 256

/** A domain event as it was committed. */
export interface WindowEvent {
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Identity of the transaction that emitted it. */
  readonly transaction: number
  readonly position: number
  /** Log time, ms since the epoch; known to whoever melds it, and not in the queue. */
  readonly time?: number
}

/**
 * What melding did to a space between two log positions: the last outcome of every key that changed
 * in (from, checkpoint.position], and every domain event. Applied to any state of the same log at a
 * position within [from, checkpoint.position] it gives exactly the state at the checkpoint, because
 * it holds outcomes and not steps.
 */
export interface Window {
  readonly from: number
  readonly checkpoint: Checkpoint
  readonly changes: readonly StoredChange[]
  readonly events: readonly WindowEvent[]
}

/** Tells windows apart: which life of which pump made it, and its number there. */
export interface WindowId {
  readonly pump: number
  readonly number: number
}

/**
 * One record of the change queue: part of a window, with everything that is known of the window
 * before its parts are put together.
 */
export interface WindowPart extends WindowId {
  readonly part: number
  readonly parts: number
  readonly from: number
  readonly to: number
  readonly logIdentity: string
  readonly digest: string
  readonly bytes: Uint8Array
}

/** Called between two segments, so that a large window does not hold up everything else. */
export type Pause = () => Promise<void> | undefined

type Packed = unknown[]
const SegmentKind = { head: 0, changes: 1, events: 2 } as const

/** A window as records of the queue, to be appended one behind the other. */
export async function encodeWindow(
  window: Window,
  { pump, number }: WindowId,
  recordBytesMax: number,
  pause: Pause,
): Promise<Uint8Array[]> {
  const { position, logIdentity, digest } = window.checkpoint
  const bytes = await encodeBody(window, pause)
  const room = recordBytesMax - envelopeBytesMax - Buffer.byteLength(logIdentity)
  const parts = Math.max(1, Math.ceil(bytes.byteLength / room))
  const isArchiving = window.changes.some(({ archived }) => archived)
  const format = isArchiving ? archiveWindowFormat : windowFormat
  return Array.from({ length: parts }, (_, part) => {
    const piece = bytes.subarray(part * room, (part + 1) * room)
    const of = [part, parts, window.from, position, logIdentity, digest]
    return seal(format, messagePack.pack([pump, number, ...of, piece]))
  })
}

/**
 * @throws GridError `record_damaged`: it is no part of a window; `format_unsupported`: of a window
 * of another version
 */
export function decodeWindowPart(data: Uint8Array): WindowPart {
  const [pump, number, part, parts, from, to, logIdentity, digest, bytes] = unpackPart(data)
  const decoded = {
    pump: checkedCount(pump),
    number: checkedCount(number),
    part: checkedCount(part),
    parts: checkedCount(parts),
    from: checkedCount(from),
    to: checkedCount(to),
    logIdentity: checkedText(logIdentity),
    digest: checkedText(digest),
    bytes: checkedBytes(bytes),
  }
  if (decoded.part >= decoded.parts || decoded.from > decoded.to)
    throw new GridError('record_damaged', 'A part of a window says what cannot be')
  return decoded
}

function unpackPart(data: Uint8Array): readonly unknown[] {
  const format = sealedFormat(data)
  if (format === windowFormat || format === archiveWindowFormat)
    return checkedList(unpackRecord(sealedBody(data)))
  if (format === undefined) {
    const [first, ...rest] = checkedList(unpackRecord(data))
    if (first === unsealedFormat) return rest
    throw new GridError('record_damaged', 'A record of the change queue is no window')
  }
  throw new GridError(
    'format_unsupported',
    `A window has format ${format}; this version reads formats ${windowFormat} and ${archiveWindowFormat}. Update this component`,
  )
}

/** All parts of one window, in order. @throws GridError `record_damaged` */
export async function decodeWindow(parts: readonly WindowPart[], pause: Pause): Promise<Window> {
  const [first] = parts
  if (!first) throw new Error('a window has at least one part')
  const bytes = parts.length === 1 ? first.bytes : Buffer.concat(parts.map((part) => part.bytes))
  const changes: StoredChange[] = []
  const events: WindowEvent[] = []
  let checkpoint: Checkpoint | undefined
  for (const segment of segmentsOf(bytes)) {
    const packed = checkedList(unpackRecord(segment))
    const [kind] = packed
    if (kind === SegmentKind.changes)
      for (const change of readChanges(packed, 1)) changes.push(change)
    else if (kind === SegmentKind.events)
      for (const event of unpackEvents(packed, 1)) events.push(event)
    else if (kind === SegmentKind.head) {
      const { to: position, logIdentity, digest } = first
      const entries = checkedCount(packed[1])
      checkpoint = { position, logIdentity, digest, entries, replicated: checkedBytes(packed[2]) }
    } else throw new GridError('record_damaged', 'A window has a part of no kind')
    if (segment.byteLength < bytes.byteLength - 4) await pause()
  }
  if (!checkpoint) throw new GridError('record_damaged', 'A window has no checkpoint')
  return { from: first.from, checkpoint, changes, events }
}

async function encodeBody({ checkpoint, changes, events }: Window, pause: Pause): Promise<Buffer> {
  const { entries, replicated } = checkpoint
  const segments = [messagePack.pack([SegmentKind.head, entries, replicated])]
  for (let at = 0; at < changes.length; at += segmentChangesMax) {
    const some = changes.slice(at, at + segmentChangesMax)
    segments.push(messagePack.pack(writeChanges([SegmentKind.changes], some)))
    if (changes.length > segmentChangesMax) await pause()
  }
  for (let at = 0; at < events.length; at += segmentChangesMax) {
    const some = events.slice(at, at + segmentChangesMax)
    segments.push(messagePack.pack([SegmentKind.events, ...packEvents(some)]))
    if (events.length > segmentChangesMax) await pause()
  }
  return joinSegments(segments)
}

/** Each segment behind its length, so that they can be unpacked one at a time. */
function joinSegments(segments: readonly Uint8Array[]): Buffer {
  const length = segments.reduce((sum, segment) => sum + 4 + segment.byteLength, 0)
  const joined = Buffer.allocUnsafe(length)
  let at = 0
  for (const segment of segments) {
    joined.writeUInt32BE(segment.byteLength, at)
    joined.set(segment, at + 4)
    at += 4 + segment.byteLength
  }
  return joined
}

function* segmentsOf(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.byteLength; ) {
    const length = at + 4 <= bytes.byteLength ? view.getUint32(at) : 0
    if (length === 0 || at + 4 + length > bytes.byteLength)
      throw new GridError('record_damaged', 'A window is cut short')
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}

const packEvents = (events: readonly WindowEvent[]): Packed =>
  events.flatMap(({ name, payload, transaction, position }) => [
    name,
    payload,
    transaction,
    position,
  ])

/**
 * Names and payloads are taken as they are: the log says what was emitted, and holds, of versions
 * that did not check it, events with a payload that is no object. A window that nobody could read
 * for that would be one that the store never gets beyond.
 */
function unpackEvents(packed: readonly unknown[], start: number): WindowEvent[] {
  const events: WindowEvent[] = []
  for (let at = start; at < packed.length; at += 4)
    events.push({
      name: packed[at] as string,
      payload: packed[at + 1] as WindowEvent['payload'],
      transaction: checkedCount(packed[at + 2]),
      position: checkedCount(packed[at + 3]),
    })
  return events
}
