import { Binary, type Document } from 'mongodb'
import type { StoredChange, StoredEntry } from '../../ports/store.ts'

type Value = Readonly<Record<string, unknown>>

/** An entry as MongoDB holds it: the fields of the value beside what the grid needs to know. */
export interface EntryDocument extends Document {
  readonly _id: string
  readonly _grid: { readonly position: number; readonly version: number }
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

export function toDocument({ key, value, version, position }: StoredChange): EntryDocument {
  const document: Document = { _id: key }
  for (const name in value)
    document[isReservedAtTop(name) ? escapeMark + name : name] = storable(value[name])
  document._grid = { position, version }
  return document as EntryDocument
}

export function fromDocument(cache: string, document: EntryDocument): StoredEntry {
  const value: Record<string, unknown> = {}
  for (const name in document)
    if (name !== '_id' && name !== '_grid')
      value[name.startsWith(escapeMark) ? name.slice(1) : name] = restored(document[name])
  const { version, position } = document._grid
  return { cache, key: document._id, value, version, position }
}

/** The same object when there is nothing to escape in it, which is nearly always. */
function storable(field: unknown): unknown {
  if (typeof field !== 'object' || field === null || isLeaf(field)) return field
  if (Array.isArray(field)) return mapChanged(field, storable)
  return mapFields(
    field as Value,
    (name) => (isReserved(name) ? escapeMark + name : name),
    storable,
  )
}

function restored(field: unknown): unknown {
  if (typeof field !== 'object' || field === null) return field
  // A copy, for what the driver gives is a view of a whole reply from the server.
  if (field instanceof Binary) return new Uint8Array(field.value())
  if (isLeaf(field)) return field
  if (Array.isArray(field)) return mapChanged(field, restored)
  return mapFields(
    field as Value,
    (name) => (name.startsWith(escapeMark) ? name.slice(1) : name),
    restored,
  )
}

/** What the driver knows how to store by itself: it has no fields of its own to look into. */
const isLeaf = (field: object): boolean => ArrayBuffer.isView(field) || field instanceof Date

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
    mapped[newName] = field
    changed ||= newName !== name || field !== object[name]
  }
  return changed ? mapped : object
}
