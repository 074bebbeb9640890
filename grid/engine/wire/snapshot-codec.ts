import { GridError, isGridError } from '../../core/errors.ts'
import { mayArchive, type SpaceShape } from '../../core/shape.ts'
import type { OriginState, ReplicatedHeader, SpaceState } from '../../core/space-state.ts'
import type { PackedEntries, StoredChange } from '../ports/store.ts'
import {
  checkedBytes,
  checkedCount,
  checkedList,
  checkedNumber,
  checkedObject,
  checkedText,
} from './checked.ts'
import { messagePack } from './message-pack.ts'
import { packListOf, unpackRecord } from './packed-bytes.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'
import { checkedWholeShape } from './shape-codec.ts'
import { ShapeReader, ShapeWriter } from './value-shapes.ts'

/** Of every record here. */
export const snapshotFormat = 3
/** Of headers and pieces with a definition by which something may leave memory. */
export const archiveSnapshotFormat = 4
/**
 * The format before, without a seal, in the first item: stored checkpoints have it until the store
 * moves.
 */
const unsealedFormat = 2

/** In a version's place: the changes that follow are of the cache whose name comes next. */
export const nextCache = null
/** In the place of a value's shape. */
const deleted = -1
/** In a version's place: the change that follows has left memory. */
const archivedNext = true

/** One piece of a snapshot, to be applied in the order in which pieces come. */
export interface SnapshotChunk {
  /** The definition, whenever it has changed since the piece before; always in the first one. */
  readonly shape: SpaceShape | undefined
  /** Entries, and changes that happened while they were read. */
  readonly changes: readonly StoredChange[]
  /** In place of changes, to be passed on as they are. None in what has been decoded. */
  readonly packed?: PackedEntries | undefined
  /** In the last piece: what makes the state exact. */
  readonly end: { readonly header: ReplicatedHeader; readonly digest: string } | undefined
}

type Packed = unknown[]

export function encodeHeader(header: ReplicatedHeader): Uint8Array {
  const { position, time, shape, origins } = header
  return seal(formatOf(shape), messagePack.pack([position, time, shape, origins]))
}

const formatOf = (shape: SpaceShape | undefined): number =>
  shape && mayArchive(shape) ? archiveSnapshotFormat : snapshotFormat

/** @throws GridError `record_damaged`, `format_unsupported` */
export function decodeHeader(data: Uint8Array): ReplicatedHeader {
  const [position, time, shape, origins] = unpack(data)
  return {
    position: checkedCount(position),
    time: checkedNumber(time),
    shape: checkedWholeShape(shape),
    origins: checkedList(origins).map(checkedOrigin),
  }
}

function checkedOrigin(item: unknown): readonly [number, OriginState] {
  const [origin, state] = checkedList(item)
  const { unit, nonce, lastFrame, lastTime } = checkedObject(state)
  return [
    checkedCount(origin),
    {
      unit: checkedText(unit),
      nonce: checkedCount(nonce),
      lastFrame: checkedCount(lastFrame),
      lastTime: checkedNumber(lastTime),
    },
  ]
}

/**
 * One flat list, to the end of its message: consecutive changes of one cache share its name, values
 * share their field names.
 */
export function writeChanges(to: Packed, changes: readonly StoredChange[]): Packed {
  const shapes = new ShapeWriter()
  to.push(shapes.names)
  let cache: string | undefined
  let number = -1
  for (const change of changes) {
    if (change.cache !== cache) {
      cache = change.cache
      number++
      to.push(nextCache, cache)
    }
    if (change.archived) to.push(archivedNext)
    to.push(change.version, change.position)
    if (change.value) shapes.writeEntry(to, number, change.key, change.value)
    else to.push(change.key, deleted)
  }
  return to
}

/** @throws GridError `record_damaged` */
export function readChanges(from: readonly unknown[], start: number): StoredChange[] {
  try {
    return readAllChanges(from, start)
  } catch (error) {
    if (isGridError(error, 'record_damaged')) throw error
    throw new GridError('record_damaged', 'Changes cannot be read', { cause: error })
  }
}

function readAllChanges(from: readonly unknown[], start: number): StoredChange[] {
  const changes: StoredChange[] = []
  const shapes = new ShapeReader(from[start])
  let cache = ''
  for (let at = start + 1; at < from.length; ) {
    if (from[at] === nextCache) {
      cache = checkedText(from[at + 1])
      at += 2
      continue
    }
    const archived = from[at] === archivedNext
    if (archived) at++
    const version = checkedCount(from[at])
    const position = checkedCount(from[at + 1])
    const key = shapes.key(from, at + 2)
    const value = from[at + 3] === deleted ? undefined : shapes.read(from, at + 3)
    at = value ? shapes.behind(from, at + 3) : at + 4
    const change = { cache, key, value, version, position }
    changes.push(archived ? { ...change, archived } : change)
  }
  return changes
}

export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  const end = chunk.end ? [encodeHeader(chunk.end.header), chunk.end.digest] : null
  const begun = [chunk.shape ?? null, end]
  const body = chunk.packed
    ? packListOf(begun, chunk.packed.items, chunk.packed.parts)
    : messagePack.pack(writeChanges(begun, chunk.changes))
  return seal(formatOf(chunk.shape), body)
}

/** @throws GridError `record_damaged`, `format_unsupported` */
export function decodeSnapshotChunk(data: Uint8Array): SnapshotChunk {
  const packed = unpack(data)
  const [shape, end] = packed
  return {
    shape: shape === null ? undefined : checkedWholeShape(shape),
    changes: readChanges(packed, 2),
    end: end === null ? undefined : checkedEnd(end),
  }
}

function checkedEnd(end: unknown): SnapshotChunk['end'] {
  const [header, digest] = checkedList(end)
  return { header: decodeHeader(checkedBytes(header)), digest: checkedText(digest) }
}

/**
 * Applies one piece to a state that is being rehydrated. After the last one the state's digest
 * should be that of the piece's end.
 */
export function restoreSnapshotChunk(state: SpaceState, chunk: SnapshotChunk): void {
  if (chunk.shape) state.reshape(chunk.shape)
  let number = -1
  let name: string | undefined
  for (const { cache, key, value, version, position } of chunk.changes) {
    if (cache !== name) {
      const layout = state.layout.named(cache)
      if (!layout)
        throw new GridError(
          'definition_conflict',
          `The snapshot has entries of the unknown cache ${cache}`,
        )
      number = layout.number
      name = cache
    }
    state.restore(number, key, value, version, position)
  }
  if (chunk.end) state.adopt(chunk.end.header)
}

function unpack(data: Uint8Array): readonly unknown[] {
  const format = sealedFormat(data)
  if (format === snapshotFormat || format === archiveSnapshotFormat)
    return checkedList(unpackRecord(sealedBody(data)))
  if (format === undefined) {
    const [first, ...rest] = checkedList(unpackRecord(data))
    if (first === unsealedFormat) return rest
    throw new GridError('record_damaged', 'A snapshot is none')
  }
  throw new GridError(
    'format_unsupported',
    `A snapshot has format ${format}; this version reads formats ${snapshotFormat} and ${archiveSnapshotFormat}`,
  )
}
