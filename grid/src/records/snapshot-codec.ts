import { GridError } from '../errors.ts'
import type { StoredChange } from '../ports/store.ts'
import type { SpaceShape } from '../space/shape.ts'
import type { OriginState, ReplicatedHeader, SpaceState } from '../space/space-state.ts'
import { messagePack } from './message-pack.ts'
import { ShapeReader, ShapeWriter } from './value-shapes.ts'

/** First item of every record here. */
export const snapshotFormat = 2

/** In a version's place: the changes that follow are of the cache whose name comes next. */
const nextCache = null
/** In the place of a value's shape. */
const deleted = -1

/** One piece of a snapshot, to be applied in the order in which pieces come. */
export interface SnapshotChunk {
  /** The definition, whenever it has changed since the piece before; always in the first one. */
  readonly shape: SpaceShape | undefined
  /** Entries, and changes that happened while they were read. */
  readonly changes: readonly StoredChange[]
  /** In the last piece: what makes the state exact. */
  readonly end: { readonly header: ReplicatedHeader; readonly digest: string } | undefined
}

type Packed = unknown[]

export function encodeHeader(header: ReplicatedHeader): Uint8Array {
  return messagePack.pack([
    snapshotFormat,
    header.position,
    header.time,
    header.shape,
    header.origins,
  ])
}

/** @throws GridError `format_unsupported` */
export function decodeHeader(data: Uint8Array): ReplicatedHeader {
  const [, position, time, shape, origins] = unpack(data) as [
    number,
    number,
    number,
    SpaceShape,
    [number, OriginState][],
  ]
  return { position, time, shape, origins }
}

/** One flat list, to the end of its message: consecutive changes of one cache share its name, values share their field names. */
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
    to.push(change.version, change.position)
    if (change.value) shapes.writeEntry(to, number, change.key, change.value)
    else to.push(change.key, deleted)
  }
  return to
}

/** @throws GridError `format_unsupported` */
export function readChanges(from: readonly unknown[], start: number): StoredChange[] {
  const changes: StoredChange[] = []
  const shapes = new ShapeReader(from[start])
  let cache = ''
  for (let at = start + 1; at < from.length; ) {
    if (from[at] === nextCache) {
      cache = from[at + 1] as string
      at += 2
      continue
    }
    const version = from[at] as number
    const position = from[at + 1] as number
    const key = shapes.key(from, at + 2)
    const value = from[at + 3] === deleted ? undefined : shapes.read(from, at + 3)
    at = value ? shapes.behind(from, at + 3) : at + 4
    changes.push({ cache, key, value, version, position })
  }
  return changes
}

export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  const end = chunk.end ? [encodeHeader(chunk.end.header), chunk.end.digest] : null
  return messagePack.pack(writeChanges([snapshotFormat, chunk.shape ?? null, end], chunk.changes))
}

/** @throws GridError `format_unsupported` */
export function decodeSnapshotChunk(data: Uint8Array): SnapshotChunk {
  const packed = unpack(data)
  const [, shape, end] = packed as [number, SpaceShape | null, [Uint8Array, string] | null]
  return {
    shape: shape ?? undefined,
    changes: readChanges(packed, 3),
    end: end ? { header: decodeHeader(end[0]), digest: end[1] } : undefined,
  }
}

/** Applies one piece to a state that is being rehydrated. After the last one the state's digest should be that of the piece's end. */
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

function unpack(data: Uint8Array): Packed {
  const packed = messagePack.unpack(data) as Packed
  const [format] = packed
  if (format !== snapshotFormat)
    throw new GridError(
      'format_unsupported',
      `A snapshot has format ${format}; this version reads format ${snapshotFormat}`,
    )
  return packed
}
