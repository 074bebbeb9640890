import { GridError } from '../../core/errors.ts'
import { fieldsMax } from '../../core/fields.ts'
import { cachesMax, indexesMax } from '../../core/limits.ts'
import { type PartitionBy, partitionsMax } from '../../core/partition.ts'
import {
  archiveIndex,
  type CacheShape,
  expiryIndex,
  initialShape,
  ownCaches,
  type SpaceShape,
} from '../../core/shape.ts'

/** Of one index. */
const indexFieldsMax = 100
/** What caches and indexes may be called; a store makes collections of the names. */
const namePattern = /^[a-z][A-Za-z0-9]{0,63}$/
const fieldLengthMax = 1024

/**
 * A space's definition as it came from outside, copied if it is one that can be melded: named
 * caches and indexes, each name once, and the grid's own caches, where they are there, as they are
 * in every space.
 * @throws GridError `record_damaged`
 */
export function checkedShape(shape: unknown): SpaceShape {
  const { caches, partitions } = record(shape)
  const checked = list(caches, cachesMax).map(checkedCache)
  checkNames(checked)
  if (partitions === undefined || partitions === null) return { caches: checked }
  const isCount = typeof partitions === 'number' && Number.isInteger(partitions)
  if (!isCount || partitions < 2 || partitions > partitionsMax)
    throw noShape(`no space has ${JSON.stringify(partitions)} partitions`)
  return { caches: checked, partitions }
}

/**
 * The definition of a copy: it begins with the grid's own caches, for entries and steps name caches
 * by their place.
 */
export function checkedWholeShape(shape: unknown): SpaceShape {
  const checked = checkedShape(shape)
  for (const [place, { name }] of initialShape.caches.entries())
    if (checked.caches[place]?.name !== name) throw noShape(`it has no ${name}`)
  return checked
}

function checkedCache(cache: unknown): CacheShape {
  const { name, key, indexes, expiry, fields, partitionBy } = record(cache)
  const checked = {
    name: text(name),
    key: text(key),
    indexes: list(indexes, indexesMax).map(checkedIndex),
    expiry: expiry === undefined || expiry === null ? undefined : text(expiry),
    ...(fields === undefined || fields === null
      ? {}
      : { fields: list(fields, fieldsMax).map(text) }),
    ...(partitionBy === undefined || partitionBy === null
      ? {}
      : { partitionBy: checkedPartitionBy(partitionBy) }),
  }
  checkNames(checked.indexes)
  if (checked.expiry !== undefined) {
    const index = checked.indexes.find((it) => it.name === expiryIndex)
    if (index?.fields.length !== 1 || index.fields[0] !== checked.expiry)
      throw noShape(`the cache ${checked.name} has no index of its expiry`)
  }
  const own = ownCaches.find((it) => it.name === checked.name)
  if (own ? JSON.stringify(own) !== JSON.stringify(checked) : !namePattern.test(checked.name))
    throw noShape(`no application has the cache ${JSON.stringify(checked.name)}`)
  return checked
}

function checkedPartitionBy(partitionBy: unknown): PartitionBy {
  const { fields, isId, until } = record(partitionBy)
  const checked = list(fields, indexFieldsMax).map(text)
  if (checked.length === 0 || typeof isId !== 'boolean' || (isId && checked.length > 1))
    throw noShape('a partition key is none')
  if (until === undefined || until === null) return { fields: checked, isId }
  if (typeof until !== 'string' || until === '' || isId || checked.length > 1)
    throw noShape('a partition key is none')
  return { fields: checked, isId, until }
}

function checkedIndex(index: unknown): CacheShape['indexes'][number] {
  const { name, fields } = record(index)
  const checked = { name: text(name), fields: list(fields, indexFieldsMax).map(text) }
  if (checked.fields.length === 0) throw noShape('an index has no field')
  const isOwn = checked.name === expiryIndex || checked.name === archiveIndex
  if (!isOwn && !namePattern.test(checked.name))
    throw noShape(`no application has the index ${JSON.stringify(checked.name)}`)
  return checked
}

function record(item: unknown): Readonly<Record<string, unknown>> {
  if (typeof item === 'object' && item !== null && !Array.isArray(item))
    return item as Readonly<Record<string, unknown>>
  throw noShape('a part of it is missing')
}

function list(items: unknown, lengthMax: number): readonly unknown[] {
  if (!Array.isArray(items)) throw noShape('a list is missing')
  if (items.length > lengthMax) throw noShape(`it has a list of ${items.length}`)
  return items
}

function text(item: unknown): string {
  if (typeof item === 'string' && item.length <= fieldLengthMax && item.isWellFormed()) return item
  throw noShape('a name is missing')
}

function checkNames(named: readonly { readonly name: string }[]): void {
  if (new Set(named.map(({ name }) => name)).size < named.length)
    throw noShape('a name is declared twice')
}

const noShape = (why: string): GridError =>
  new GridError('record_damaged', `A definition cannot be used: ${why}`)
