import { GridError, isGridError } from '../../core/errors.ts'
import { hashString } from '../../core/hash.ts'
import type { Checkpoint, StoredEntry } from '../ports/store.ts'
import { checkedBytes, checkedCount, checkedObject, checkedText } from './checked.ts'
import { messagePack } from './message-pack.ts'
import { checkStructure } from './packed-bytes.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'

/**
 * msgpackr cuts byte fields out of its source with the source's own type: a Buffer would leave
 * Buffers in the values.
 */
const plain = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Most entries fit, and are copied here to be read: that costs less than two views made for each.
 */
const scratch = new Uint8Array(4096)

function unpack(bytes: Uint8Array): unknown {
  checkStructure(bytes)
  if (bytes.byteLength > scratch.byteLength) return messagePack.unpack(plain(bytes))
  scratch.set(bytes)
  return messagePack.unpack(scratch, bytes.byteLength)
}

/**
 * Of what is sealed. What has no seal is of a version that did not seal yet, and is read as it is.
 */
export const entryFormat = 1

/**
 * What was sealed: who reads it checks what it is, for what is stored may have been changed there.
 * @throws GridError `record_damaged`, `format_unsupported`
 */
export function opened(bytes: Uint8Array): unknown {
  const sealed = sealedFormat(bytes)
  if (sealed !== undefined && sealed !== entryFormat)
    throw new GridError(
      'format_unsupported',
      `What is stored has format ${sealed}; this version reads format ${entryFormat}`,
    )
  try {
    return unpack(sealed === undefined ? bytes : sealedBody(bytes))
  } catch (cause) {
    throw new GridError('record_damaged', 'What is stored cannot be read', { cause })
  }
}

export const sealed = (content: unknown): Buffer => seal(entryFormat, messagePack.pack(content))

/**
 * Entries and checkpoints as bytes: MessagePack behind a seal (`records/seal.ts`), readable by
 * programs in other languages. Numbers come back exactly, except that -0 becomes 0; fields that are
 * undefined come back as undefined.
 */
export function encodeEntry(entry: StoredEntry): Buffer {
  const { cache, key, value, version, position, archived } = entry
  const body = { value, version, position, of: nameHash(cache, key) }
  return sealed(archived ? { ...body, archived } : body)
}

/**
 * @throws GridError `record_damaged`, also when it is the entry of another key;
 * `format_unsupported`
 */
export function decodeEntry(cache: string, key: string, bytes: Uint8Array): StoredEntry {
  const { value, version, position, archived, of } = checkedObject(opened(bytes))
  if (of !== undefined && of !== nameHash(cache, key))
    throw new GridError('record_damaged', 'A stored entry is that of another key')
  const [its, at] = [checkedCount(version), checkedCount(position)]
  const entry = { cache, key, value: checkedObject(value), version: its, position: at }
  return archived === true ? { ...entry, archived } : entry
}

const nameHash = (cache: string, key: string): number => hashString(namePrefix(cache) + key)

/** An entry says whose it is by the hash of this and its key. */
export const namePrefix = (cache: string): string => `${cache}\0`

/** @throws GridError `record_damaged`, `format_unsupported`, with the name of the entry */
export function readStored(cache: string, key: string, bytes: Uint8Array): StoredEntry {
  try {
    return decodeEntry(cache, key, bytes)
  } catch (cause) {
    if (!isGridError(cause)) throw cause
    const message = `The store does not hold ${cache} ${JSON.stringify(key)} as the grid has written it`
    throw new GridError(cause.code, message, { cause })
  }
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { position, logIdentity, digest, entries, replicated } = checkpoint
  return sealed({ position, logIdentity, digest, entries, replicated })
}

/**
 * `position` is what stands beside it, where it can be compared and set.
 * @throws GridError `record_damaged`, `format_unsupported`
 */
export function decodeCheckpoint(bytes: Uint8Array, position: number): Checkpoint {
  return checkpointIn(checkedObject(opened(bytes)), position)
}

/**
 * The checkpoint among the fields of what was stored with it. @throws GridError `record_damaged`
 */
export function checkpointIn(
  stored: Readonly<Record<string, unknown>>,
  position: number,
): Checkpoint {
  const { position: itsOwn = position, logIdentity, digest, entries, replicated } = stored
  if (itsOwn !== position)
    throw new GridError('record_damaged', 'A stored checkpoint is not as it was written')
  return {
    position,
    logIdentity: checkedText(logIdentity),
    digest: checkedText(digest),
    entries: checkedCount(entries),
    replicated: checkedBytes(replicated),
  }
}

/**
 * No name of a cache holds a zero byte, so entries of different caches never share a key, and those
 * of one cache lie together.
 */
export const encodeEntryKey = (cache: string, key: string): Buffer =>
  Buffer.from(`${cache}\0${key}`, 'utf8')

/** Before the keys of what is in memory, and apart from them. */
export const encodeArchivedKey = (cache: string, key: string): Buffer =>
  Buffer.concat([archivedPrefix, encodeEntryKey(cache, key)])

/** No name of a cache begins with it. */
export const archivedPrefix: Buffer = Buffer.from([0])

/** Behind the keys of everything that has left memory. */
export const inMemoryStart: Buffer = Buffer.from([1])

export const isArchivedKey = (bytes: Buffer): boolean => bytes[0] === 0

export function decodeEntryKey(bytes: Buffer): { readonly cache: string; readonly key: string } {
  if (isArchivedKey(bytes)) return decodeEntryKey(bytes.subarray(1))
  const separator = bytes.indexOf(0)
  return {
    cache: bytes.toString('latin1', 0, separator),
    key: bytes.toString('utf8', separator + 1),
  }
}
