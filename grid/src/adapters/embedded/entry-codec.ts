import type { Checkpoint, StoredEntry } from '../../ports/store.ts'
import { messagePack } from '../../records/message-pack.ts'

type EntryBody = Pick<StoredEntry, 'value' | 'version' | 'position'>
type CheckpointBody = Omit<Checkpoint, 'position'>

/**
 * msgpackr cuts byte fields out of its source with the source's own type: a Buffer would leave
 * Buffers in the values.
 */
const plain = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Most entries fit, and are copied here to be read: that costs less than two views made for each. */
const scratch = new Uint8Array(4096)

function unpack<T>(bytes: Uint8Array): T {
  if (bytes.byteLength > scratch.byteLength) return messagePack.unpack(plain(bytes))
  scratch.set(bytes)
  return messagePack.unpack(scratch, bytes.byteLength)
}

/**
 * Entries and checkpoints as bytes: MessagePack, readable by programs in other languages. Numbers
 * come back exactly, except that -0 becomes 0; fields that are undefined come back as undefined.
 */
export const encodeEntry = ({ value, version, position }: EntryBody): Buffer =>
  messagePack.pack({ value, version, position })

export const decodeEntry = (bytes: Uint8Array): EntryBody => unpack(bytes)

export const encodeCheckpoint = ({
  logIdentity,
  digest,
  entries,
  replicated,
}: CheckpointBody): Buffer => messagePack.pack({ logIdentity, digest, entries, replicated })

export const decodeCheckpoint = (bytes: Uint8Array): CheckpointBody => unpack(bytes)

/**
 * No name of a cache holds a zero byte, so entries of different caches never share a key, and those
 * of one cache lie together.
 */
export const encodeEntryKey = (cache: string, key: string): Buffer =>
  Buffer.from(`${cache}\0${key}`, 'utf8')

export function decodeEntryKey(bytes: Buffer): { readonly cache: string; readonly key: string } {
  const separator = bytes.indexOf(0)
  return {
    cache: bytes.toString('latin1', 0, separator),
    key: bytes.toString('utf8', separator + 1),
  }
}
