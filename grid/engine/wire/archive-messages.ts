import type { IndexRange, Scalar } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import { isScalar } from '../../core/index-order.ts'
import type { ArchiveRange, StoredEntry } from '../ports/store.ts'
import { checkedBytes, checkedCount, checkedList, checkedObject, checkedText } from './checked.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { packMessage, unpackMessage } from './sealed-message.ts'

/*
 * What units ask a data reader about what has left memory: values come back exactly. All `decode…`
 * throw GridError `record_damaged`, `format_unsupported`.
 */

const format = 1
/** What caches are called; a store makes collections of the names. */
const cacheName = /^_?[a-z][A-Za-z0-9]{0,63}$/
/** Of an index. */
const fieldsMax = 100
/** Entries that can be asked for at once. */
export const rangeLimitMax = 1000

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
  return { cache: checkedCacheName(cache), key: checkedText(key) }
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
    cache: checkedCacheName(cache),
    fields: checkedFields(fields),
    range: checkedRange(range),
    limit: checkedLimit(limit),
    ...(key === undefined
      ? {}
      : { beyond: { values: checkedList(values).map(checkedScalar), key: checkedText(key) } }),
  }
}

const checkedCacheName = (cache: unknown): string => {
  if (cacheName.test(checkedText(cache))) return cache as string
  throw new GridError('record_damaged', 'No cache has such a name')
}

function checkedFields(fields: unknown): readonly string[] {
  const checked = checkedList(fields)
  if (checked.length > 0 && checked.length <= fieldsMax) return checked.map(checkedText)
  throw new GridError('record_damaged', `No index has ${checked.length} fields`)
}

/** To a store anything else might be a question of another kind: an operator, an expression. */
function checkedScalar(item: unknown): Scalar {
  if (isScalar(item)) return item
  throw new GridError('record_damaged', `A range has a ${typeof item} in the place of a value`)
}

function checkedLimit(limit: unknown): number {
  const count = checkedCount(limit)
  if (count > 0 && count <= rangeLimitMax) return count
  throw new GridError('record_damaged', `Nobody is given ${count} entries at once`)
}

function checkedRange(range: unknown): IndexRange {
  const { equals, reverse, ...bounds } = checkedObject(range)
  const { from, after, to, before } = bounds
  const checked: Record<string, unknown> = {}
  if (equals !== undefined) checked.equals = checkedList(equals).map(checkedScalar)
  for (const [name, bound] of Object.entries({ from, after, to, before }))
    if (bound !== undefined) checked[name] = checkedScalar(bound)
  if (reverse !== undefined) checked.reverse = reverse === true
  return checked
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
