import type { FieldText } from './fields.ts'
import { IndexOrder } from './index-order.ts'
import type { PartitionBy } from './partition.ts'
import {
  archivedCache,
  archiveIndex,
  type CacheShape,
  commitsCache,
  holdsCache,
  type SpaceShape,
} from './shape.ts'

/** A cache's shape, prepared for use. */
export class CacheLayout {
  readonly number: number
  readonly name: string
  readonly key: string
  readonly expiry: string | undefined
  readonly partitionBy: PartitionBy | undefined
  readonly orders: readonly IndexOrder[]
  /** Those that any version of the application has declared. */
  readonly fields: readonly FieldText[]
  /** Of the index by which entries are found that are to leave memory; undefined: none does. */
  readonly archiveIndex: number | undefined
  readonly #indexNumbers: ReadonlyMap<string, number>

  constructor(number: number, shape: CacheShape) {
    this.number = number
    this.name = shape.name
    this.key = shape.key
    this.expiry = shape.expiry
    this.partitionBy = shape.partitionBy
    this.orders = shape.indexes.map((index) => new IndexOrder(index.fields))
    this.fields = shape.fields ?? []
    this.#indexNumbers = new Map(shape.indexes.map((index, i) => [index.name, i]))
    this.archiveIndex = this.#indexNumbers.get(archiveIndex)
  }

  indexNumber(name: string): number | undefined {
    return this.#indexNumbers.get(name)
  }
}

/** A space's shape, prepared for use: caches and indexes by name and by number. */
export class Layout {
  readonly shape: SpaceShape
  readonly caches: readonly CacheLayout[]
  /** Number of the cache of what is held; -1 in a space that is not divided. */
  readonly holds: number
  /** Number of the cache of what was decided across partitions; -1 likewise. */
  readonly commits: number
  /** Number of the cache that says what has left memory; -1 in a space where nothing does. */
  readonly archived: number
  readonly #byName: ReadonlyMap<string, CacheLayout>

  constructor(shape: SpaceShape) {
    this.shape = shape
    this.caches = shape.caches.map((cache, number) => new CacheLayout(number, cache))
    this.#byName = new Map(this.caches.map((cache) => [cache.name, cache]))
    this.holds = this.named(holdsCache)?.number ?? -1
    this.commits = this.named(commitsCache)?.number ?? -1
    this.archived = this.named(archivedCache)?.number ?? -1
  }

  cache(number: number): CacheLayout {
    const cache = this.caches[number]
    if (!cache) throw new Error(`no cache has number ${number}`)
    return cache
  }

  named(name: string): CacheLayout | undefined {
    return this.#byName.get(name)
  }
}
