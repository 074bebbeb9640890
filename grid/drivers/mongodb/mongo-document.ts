import { Binary, BSON, type Document } from 'mongodb'
import { GridError } from '../../core/errors.ts'
import { storedHash } from '../../engine/agreement/fingerprint.ts'
import type { StoredChange, StoredEntry } from '../../engine/ports/store.ts'
import {
  bytesOf,
  type NumberArray,
  numberArrayKind,
  numberArrayOf,
} from '../../engine/wire/number-arrays.ts'

type Value = Readonly<Record<string, unknown>>

/** An entry as MongoDB holds it: the fields of the value beside what the grid needs to know. */
export interface EntryDocument extends Document {
  readonly _id: string
  /**
   * `hash`: of everything else here; a version that did not know of it yet has left none.
   * `partition`: only where the space has several.
   */
  readonly _grid: {
    readonly position: number
    readonly version: number
    readonly hash?: number
    readonly partition?: number
    /** It has left memory. */
    readonly archived?: true
  }
}

/** What is one partition's of a collection that several share. */
export interface Share {
  readonly partition: number
  /** Before each key in `_id`. */
  readonly prefix: string
  /** In the hash, for the name of the cache: so the partition is part of it. */
  readonly hashedAs: string
}

/*
 * Field names that mean something to MongoDB or its driver are stored with a `~` before them: names
 * that start with `$` (operators, database references), `_bsontype` (the driver would take the
 * object for one of its types), names that every object inherits (the driver leaves the content of
 * `constructor` undecoded) and, in the value itself, `_id` and `_grid`. So are names that start
 * with `~`, which makes it reversible. Names with dots are stored as they are; MongoDB 5 and later
 * take them. A name with a zero byte is the one thing MongoDB cannot hold: such an entry is
 * refused.
 */
const escapeMark = '~'

const isReserved = (name: string): boolean =>
  name.startsWith('$') ||
  name.startsWith(escapeMark) ||
  name === '_bsontype' ||
  name in Object.prototype
const isReservedAtTop = (name: string): boolean =>
  name === '_id' || name === '_grid' || isReserved(name)

/**
 * BSON leaves the subtypes from 128 on to applications: arrays of numbers other than bytes are 128
 * and their kind.
 */
const arraySubtype = 128

export function toDocument(change: StoredChange, share?: Share): EntryDocument {
  const { cache, key, value, version, position, archived } = change
  const document: Document = { _id: share ? share.prefix + key : key }
  for (const name in value) document[storedField(name)] = storable(value[name])
  const entry = { cache, key, value: value ?? {}, version, position }
  document._grid = gridFields(archived ? { ...entry, archived } : entry, share)
  return document as EntryDocument
}

/** The name under which a field of a value is stored. */
export const storedField = (name: string): string =>
  isReservedAtTop(name) ? escapeMark + name : name

/** What the grid needs to know of an entry, beside its value. */
export function gridFields(entry: StoredEntry, share?: Share): EntryDocument['_grid'] {
  const { version, position, archived } = entry
  const hash = hashOf(entry, share)
  const fields = share
    ? { position, version, hash, partition: share.partition }
    : { position, version, hash }
  return archived ? { ...fields, archived } : fields
}

/** @throws GridError `record_damaged`: it is not what the grid has written */
export function fromDocument(cache: string, document: EntryDocument, share?: Share): StoredEntry {
  const value: Record<string, unknown> = {}
  for (const name in document)
    if (name !== '_id' && name !== '_grid')
      setMember(value, name.startsWith(escapeMark) ? name.slice(1) : name, restored(document[name]))
  const { version, position, hash, partition, archived } = document._grid ?? {}
  const key = ownKey(document._id, share)
  const inMemory = { cache, key, value, version, position } as StoredEntry
  const entry: StoredEntry = archived === undefined ? inMemory : { ...inMemory, archived: true }
  const isOurs = share ? partition === share.partition : true
  const isAsHashed = () => (hash === undefined ? !share : hash === hashOf(entry, share))
  if (!isMarked(entry) || !isOurs || !isAsHashed())
    throw new GridError(
      'record_damaged',
      `MongoDB does not hold ${cache} ${JSON.stringify(keyOf(document._id, share))} as the grid has written it`,
    )
  return entry
}

/** An entry that has left memory has another hash: that it has left is covered, too. */
function hashOf(entry: StoredEntry, share?: Share): number {
  if (!share && !entry.archived) return storedHash(entry)
  const cache = hashedAs(entry.cache, share)
  return storedHash({ ...entry, cache: entry.archived ? `archived:${cache}` : cache })
}

/** What the hash of a document has in the name of its cache's place. */
export const hashedAs = (cache: string, share: Share | undefined): string =>
  share?.hashedAs ?? cache

/** undefined: it is none of the grid's. */
const ownKey = (id: unknown, share: Share | undefined): string | undefined => {
  if (typeof id !== 'string') return undefined
  if (!share?.prefix) return id
  return id.startsWith(share.prefix) ? id.slice(share.prefix.length) : undefined
}

/**
 * An id that is no text, or not like those of its partition, cannot be the grid's; it gets a key
 * all the same, by which it can be removed.
 */
export const keyOf = (id: unknown, share?: Share): string =>
  ownKey(id, share) ?? BSON.EJSON.stringify({ _id: id }, { relaxed: false })

/** The ids that documents of a key can have. */
export function idsOf(key: string, share?: Share): string[] {
  const own = (share?.prefix ?? '') + key
  if (!key.startsWith('{"_id":')) return [own]
  try {
    const { _id } = BSON.EJSON.parse(key, { relaxed: false }) as { readonly _id: string }
    return keyOf(_id, share) === key ? [own, _id] : [own]
  } catch {
    // A key of the application that only begins alike.
    return [own]
  }
}

const isMarked = ({ key, version, position }: StoredEntry): boolean =>
  typeof key === 'string' && Number.isSafeInteger(version) && Number.isSafeInteger(position)

/** The same object when there is nothing to escape in it, which is nearly always. */
function storable(field: unknown): unknown {
  if (typeof field !== 'object' || field === null || field instanceof Date) return field
  if (ArrayBuffer.isView(field)) return storableArray(field as NumberArray)
  if (Array.isArray(field)) return mapChanged(field, storable)
  return mapFields(
    field as Value,
    (name) => (isReserved(name) ? escapeMark + name : name),
    storable,
  )
}

export function restored(field: unknown): unknown {
  if (typeof field !== 'object' || field === null) return field
  if (field instanceof Binary) return restoredArray(field)
  if (field instanceof Date || ArrayBuffer.isView(field)) return field
  if (Array.isArray(field)) return mapChanged(field, restored)
  return mapFields(
    field as Value,
    (name) => (name.startsWith(escapeMark) ? name.slice(1) : name),
    restored,
  )
}

/**
 * Bytes are what the driver knows by itself; it would take any other array of numbers for a list of
 * members.
 */
function storableArray(array: NumberArray): unknown {
  const kind = numberArrayKind(array)
  return kind === 0 || kind === undefined ? array : new Binary(bytesOf(array), arraySubtype + kind)
}

/** A copy, for what the driver gives is a view of a whole reply from the server. */
function restoredArray(binary: Binary): unknown {
  const bytes = binary.value()
  const kind = binary.sub_type - arraySubtype
  return (kind > 0 ? numberArrayOf(kind, bytes) : undefined) ?? new Uint8Array(bytes)
}

function mapChanged(items: readonly unknown[], map: (item: unknown) => unknown): unknown {
  const mapped = items.map(map)
  return mapped.some((item, at) => item !== items[at]) ? mapped : items
}

function mapFields(
  object: Value,
  mapName: (name: string) => string,
  map: (field: unknown) => unknown,
): Value {
  let changed = false
  const mapped: Record<string, unknown> = {}
  for (const name in object) {
    const newName = mapName(name)
    const field = map(object[name])
    setMember(mapped, newName, field)
    changed ||= newName !== name || field !== object[name]
  }
  return changed ? mapped : object
}

/** Assigned, `__proto__` would be the prototype, and no member. */
function setMember(object: Record<string, unknown>, name: string, member: unknown): void {
  if (name !== '__proto__') object[name] = member
  else
    Object.defineProperty(object, name, {
      value: member,
      enumerable: true,
      configurable: true,
      writable: true,
    })
}
