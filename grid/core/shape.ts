import type { Space } from './definition.ts'
import { GridError } from './errors.ts'
import { storedName } from './evolution.ts'
import { type FieldText, fieldsOf, mergeFields } from './fields.ts'
import { cachesMax, indexesMax } from './limits.ts'
import type { PartitionBy } from './partition.ts'
import type { AnyCache, Archive } from './transaction.ts'

/** What melding needs of a cache's definition. */
export interface CacheShape {
  readonly name: string
  readonly key: string
  /** Name and fields, in the order in which they were added: frames name an index by its place. */
  readonly indexes: readonly { readonly name: string; readonly fields: readonly string[] }[]
  readonly expiry: string | undefined
  /**
   * Every field that a version of the application has declared, under the name under which it is
   * stored. Melding has no use for it: it tells versions what of an entry another one knows.
   * Missing where only versions before it have been.
   */
  readonly fields?: readonly FieldText[]
  /** Under the names under which they are stored; of a space with several partitions. */
  readonly partitionBy?: PartitionBy
}

/**
 * What melding needs of a space's definition: a record of the log, so that all replicas change it
 * at one position.
 */
export interface SpaceShape {
  /** In the order in which they were added: frames name a cache by its place. */
  readonly caches: readonly CacheShape[]
  /** How many the space has, this log's among them. Left out: 1. */
  readonly partitions?: number
}

/** Entries the grid itself keeps beside the application's, in every space. */
export const idempotencyCache = '_idempotency'
export const partsCache = '_parts'
export const expiryIndex = '_expiry'
/** Of spaces with several partitions: what commands across them hold, and which are committed. */
export const holdsCache = '_holds'
export const commitsCache = '_commits'
/**
 * Of spaces with a cache whose entries may leave memory: when any of each of `archiveBuckets` has
 * left, or was deleted. docs/decisions/0052.
 */
export const archivedCache = '_archived'
/** By which the entries are found that are to leave: the condition's fields, then the time. */
export const archiveIndex = '_archive'

const cacheShape = (
  name: string,
  key: string,
  indexes: Readonly<Record<string, readonly string[]>>,
  expiry: string | undefined,
  archive?: readonly string[],
): CacheShape => ({
  name,
  key,
  indexes: [
    ...Object.entries(indexes).map(([index, fields]) => ({ name: index, fields })),
    ...(expiry === undefined ? [] : [{ name: expiryIndex, fields: [expiry] }]),
    ...(archive === undefined ? [] : [{ name: archiveIndex, fields: archive }]),
  ],
  expiry,
})

/** The shape every space starts with: the grid's own caches. */
export const initialShape: SpaceShape = {
  caches: [
    cacheShape(idempotencyCache, 'key', {}, 'expiresAt'),
    cacheShape(partsCache, 'key', { byOrigin: ['origin'] }, undefined),
  ],
}

/** What the grid keeps besides in a space with several partitions. */
export const partitionedCaches: readonly CacheShape[] = [
  cacheShape(holdsCache, 'key', {}, undefined),
  cacheShape(commitsCache, 'key', {}, undefined),
]

const archivedShape: CacheShape = cacheShape(archivedCache, 'key', {}, undefined)

/** Names of what the grid itself keeps, in spaces of every kind. */
export const ownCaches: readonly CacheShape[] = [
  ...initialShape.caches,
  ...partitionedCaches,
  archivedShape,
]

/** Whether entries of some cache may leave memory: other versions cannot follow such a space. */
export const mayArchive = ({ caches }: SpaceShape): boolean =>
  caches.some(({ name }) => name === archivedCache)

export const idempotencyCacheNumber = 0
export const partsCacheNumber = 1

const shapes = new WeakMap<AnyCache, CacheShape>()

/** Of a cache as it is declared: with the names under which it is stored. */
export function declaredShape(cache: AnyCache): CacheShape {
  let shape = shapes.get(cache)
  if (!shape) {
    const stored = (field: string) => storedName(cache, field)
    const indexes = Object.entries(cache.indexes as Readonly<Record<string, readonly string[]>>)
    shape = {
      ...cacheShape(
        cache.name,
        stored(cache.key),
        Object.fromEntries(indexes.map(([index, fields]) => [index, fields.map(stored)])),
        cache.expiry === undefined ? undefined : stored(cache.expiry),
        cache.archive && archiveFields(cache.archive).map(stored),
      ),
      fields: fieldsOf(cache.schema, stored),
    }
    const { partitionBy } = cache
    if (partitionBy)
      shape = { ...shape, partitionBy: { ...partitionBy, fields: partitionBy.fields.map(stored) } }
    shapes.set(cache, shape)
  }
  return shape
}

export function shapeOf({ caches, partitions = 1 }: Space): SpaceShape {
  // Behind the application's: what was declared before keeps its place.
  const behind = caches.some(({ archive }) => archive !== undefined) ? [archivedShape] : []
  if (partitions === 1)
    return { caches: [...initialShape.caches, ...caches.map(undivided), ...behind] }
  const declared = caches.map(declaredShape)
  return {
    caches: [...initialShape.caches, ...partitionedCaches, ...declared, ...behind],
    partitions,
  }
}

/** Of the index by which what is to leave memory is found. */
export const archiveFields = ({ when, after }: Archive): readonly string[] => [
  ...Object.keys(when),
  after,
]

/** What an entry would be partitioned by is nothing to a space that is not. */
function undivided(cache: AnyCache): CacheShape {
  const { partitionBy: _, ...shape } = declaredShape(cache)
  return shape
}

/**
 * `current` with everything that `wanted` has beyond it; `current` itself when that is nothing.
 * Shapes only grow, so that units of different versions of an application can work side by side.
 * @throws GridError `definition_conflict` when the two contradict each other, or come to more than
 * a definition may have: no copy of it could be read
 */
export function mergeShapes(current: SpaceShape, wanted: SpaceShape): SpaceShape {
  let changed = false
  const partitions = mergePartitions(current, wanted)
  if (partitions !== current.partitions) changed = true
  const caches = [...current.caches]
  const places = new Map(caches.map(({ name }, place) => [name, place]))
  for (const cache of wanted.caches) {
    const at = places.get(cache.name)
    const existing = at === undefined ? undefined : caches[at]
    if (at === undefined || !existing) {
      places.set(cache.name, caches.push(cache) - 1)
      changed = true
      continue
    }
    const merged = mergeCaches(existing, cache)
    if (merged !== existing) {
      caches[at] = merged
      changed = true
    }
  }
  if (caches.length > cachesMax)
    throw tooMuch(`the space would have ${caches.length} caches, more than ${cachesMax}`)
  if (!changed) return current
  return partitions === undefined ? { caches } : { caches, partitions }
}

/** The first definition of a log says how many partitions its space has. */
function mergePartitions(current: SpaceShape, wanted: SpaceShape): number | undefined {
  if (current.caches.length === initialShape.caches.length) return wanted.partitions
  if (current.partitions === wanted.partitions) return current.partitions
  throw new GridError(
    'definition_conflict',
    `the space has ${current.partitions ?? 1} partitions in the log, ${wanted.partitions ?? 1} in this application`,
    { details: { partitions: current.partitions ?? 1 } },
  )
}

const tooMuch = (what: string): GridError =>
  new GridError('definition_conflict', `With what is in the log ${what}`)

function mergeCaches(current: CacheShape, wanted: CacheShape): CacheShape {
  const conflict = (what: string, is: unknown, asked: unknown) =>
    new GridError(
      'definition_conflict',
      `cache ${current.name}: ${what} is ${is} in the log, ${asked} in this application`,
      {
        details: { cache: current.name },
      },
    )
  if (current.key !== wanted.key) throw conflict('the primary key', current.key, wanted.key)
  if (partitionText(current) !== partitionText(wanted))
    throw conflict('the partition key', partitionText(current), partitionText(wanted))
  if (
    current.expiry !== undefined &&
    wanted.expiry !== undefined &&
    current.expiry !== wanted.expiry
  )
    throw conflict('the expiry field', current.expiry, wanted.expiry)
  const added = []
  for (const index of wanted.indexes) {
    const existing = current.indexes.find((i) => i.name === index.name)
    if (!existing) added.push(index)
    else if (existing.fields.join() !== index.fields.join())
      throw conflict(`index ${index.name}`, existing.fields, index.fields)
  }
  const expiry = current.expiry ?? wanted.expiry
  const fields = wanted.fields && mergeFields(current.fields ?? [], wanted.fields)
  const isWider = fields !== undefined && fields !== current.fields
  if (added.length === 0 && expiry === current.expiry && !isWider) return current
  const indexes = [...current.indexes, ...added]
  if (indexes.length > indexesMax)
    throw tooMuch(
      `the cache ${current.name} would have ${indexes.length} indexes, more than ${indexesMax}`,
    )
  return { ...current, indexes, expiry, ...(isWider ? { fields } : {}) }
}

const partitionText = ({ partitionBy }: CacheShape): string => {
  if (!partitionBy) return 'none'
  const { fields, isId, until } = partitionBy
  if (isId) return `the id in ${fields}`
  return until === undefined ? fields.join() : `${fields} until ${JSON.stringify(until)}`
}
