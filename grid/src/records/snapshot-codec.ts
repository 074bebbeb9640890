import { Packr } from 'msgpackr'
import { GridError } from '../errors.ts'
import type { StoredChange } from '../ports/store.ts'
import type { Value } from '../space/definition.ts'
import type { SpaceShape } from '../space/shape.ts'
import type { OriginState, ReplicatedHeader, SpaceState } from '../space/space-state.ts'

/** First element of every record here. */
export const snapshotFormat = 1

const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true })

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
  return packr.pack([snapshotFormat, header.position, header.time, header.shape, header.origins])
}

/** @throws GridError `format_unsupported` */
export function decodeHeader(data: Uint8Array): ReplicatedHeader {
  const [position, time, shape, origins] = unpack(data) as [
    number,
    number,
    SpaceShape,
    [number, OriginState][],
  ]
  return { position, time, shape, origins }
}

/** Consecutive changes of one cache share its name. */
export function packChanges(changes: readonly StoredChange[]): Packed {
  const packed: Packed = []
  let cache: string | undefined
  let list: Packed = []
  for (const change of changes) {
    if (change.cache !== cache) {
      cache = change.cache
      list = []
      packed.push(cache, list)
    }
    list.push(change.key, change.value ?? null, change.version, change.position)
  }
  return packed
}

export function unpackChanges(packed: Packed): StoredChange[] {
  const changes: StoredChange[] = []
  for (let i = 0; i < packed.length; i += 2) {
    const cache = packed[i] as string
    const list = packed[i + 1] as Packed
    for (let j = 0; j < list.length; j += 4)
      changes.push({
        cache,
        key: list[j] as string,
        value: (list[j + 1] as Value | null) ?? undefined,
        version: list[j + 2] as number,
        position: list[j + 3] as number,
      })
  }
  return changes
}

export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  const end = chunk.end ? [encodeHeader(chunk.end.header), chunk.end.digest] : null
  return packr.pack([snapshotFormat, chunk.shape ?? null, packChanges(chunk.changes), end])
}

/** @throws GridError `format_unsupported` */
export function decodeSnapshotChunk(data: Uint8Array): SnapshotChunk {
  const [shape, changes, end] = unpack(data) as [
    SpaceShape | null,
    Packed,
    [Uint8Array, string] | null,
  ]
  return {
    shape: shape ?? undefined,
    changes: unpackChanges(changes),
    end: end ? { header: decodeHeader(end[0]), digest: end[1] } : undefined,
  }
}

/** Applies one piece to a state that is being rehydrated. Returns whether it was the last one. */
export function applySnapshotChunk(state: SpaceState, chunk: SnapshotChunk): boolean {
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
  if (!chunk.end) return false
  state.adopt(chunk.end.header)
  const digest = state.digest.toString()
  if (digest !== chunk.end.digest)
    throw new GridError(
      'internal',
      `The snapshot's digest is ${chunk.end.digest}, the copy's is ${digest}`,
    )
  return true
}

function unpack(data: Uint8Array): Packed {
  const [format, ...body] = packr.unpack(data) as Packed
  if (format !== snapshotFormat)
    throw new GridError(
      'format_unsupported',
      `A snapshot has format ${format}; this version reads format ${snapshotFormat}`,
    )
  return body
}
