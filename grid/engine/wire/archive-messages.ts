import type { IndexRange, Scalar } from '../../core/data-types.ts'
import type { ArchiveRange, StoredEntry } from '../ports/store.ts'
import { checkedBytes, checkedCount, checkedList, checkedObject, checkedText } from './checked.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { packMessage, unpackMessage } from './sealed-message.ts'

/*
 * What units ask a data reader about what has left memory: values come back exactly. All `decode…`
 * throw GridError `record_damaged`, `format_unsupported`.
 */

const format = 1

/** A key of which a unit wants to know what the store holds. */
export interface EntryAsked {
  readonly cache: string
  readonly key: string
}

/** What the store was found to hold under a key. */
export interface EntryFound {
  /** The store was at this position, or beyond, when it was looked up … */
  readonly from: number
  /** … and at this one when that was done: what was found is of a position in between. */
  readonly to: number
  /** undefined: nothing. */
  readonly entry: StoredEntry | undefined
}

/** Entries of a range, and where the store was, as in `EntryFound`. */
export interface RangeFound {
  readonly from: number
  readonly to: number
  readonly entries: readonly StoredEntry[]
  /** Otherwise a message takes no more of what was asked for. */
  readonly isWhole: boolean
}

export const encodeEntryAsked = ({ cache, key }: EntryAsked): Uint8Array =>
  packMessage(format, [cache, key])

export function decodeEntryAsked(data: Uint8Array): EntryAsked {
  const [cache, key] = checkedList(unpackMessage(format, data))
  return { cache: checkedText(cache), key: checkedText(key) }
}

export const encodeEntryFound = ({ from, to, entry }: EntryFound): Uint8Array =>
  packMessage(format, [from, to, entry ? encodeEntry(entry) : null])

export function decodeEntryFound(data: Uint8Array, { cache, key }: EntryAsked): EntryFound {
  const [from, to, entry] = checkedList(unpackMessage(format, data))
  return {
    from: checkedCount(from),
    to: checkedCount(to),
    entry: entry === null ? undefined : decodeEntry(cache, key, checkedBytes(entry)),
  }
}

export function encodeRangeAsked(asked: ArchiveRange): Uint8Array {
  const { cache, fields, range, beyond, limit } = asked
  return packMessage(format, [
    ...[cache, fields, range, limit],
    beyond ? [beyond.values, beyond.key] : null,
  ])
}

export function decodeRangeAsked(data: Uint8Array): ArchiveRange {
  const [cache, fields, range, limit, beyond] = checkedList(unpackMessage(format, data))
  const [values, key] = beyond === null ? [] : checkedList(beyond)
  return {
    cache: checkedText(cache),
    fields: checkedList(fields).map(checkedText),
    // Whoever looks for it compares with it, whatever it is.
    range: checkedObject(range) as IndexRange,
    limit: checkedCount(limit),
    ...(key === undefined
      ? {}
      : { beyond: { values: checkedList(values) as readonly Scalar[], key: checkedText(key) } }),
  }
}

export const encodeRangeFound = ({ from, to, isWhole, entries }: RangeFound): Uint8Array =>
  packMessage(format, [from, to, isWhole, ...entries.flatMap((it) => [it.key, encodeEntry(it)])])

export function decodeRangeFound(data: Uint8Array, cache: string): RangeFound {
  const [from, to, isWhole, ...items] = checkedList(unpackMessage(format, data))
  const entries: StoredEntry[] = []
  for (let at = 0; at + 1 < items.length; at += 2)
    entries.push(decodeEntry(cache, checkedText(items[at]), checkedBytes(items[at + 1])))
  return { from: checkedCount(from), to: checkedCount(to), entries, isWhole: isWhole === true }
}
