import type { TObject } from 'typebox'
import type { Access } from '../access.ts'
import type { IndexFields, Value } from '../data-types.ts'
import type { PartitionBy } from '../partition.ts'
import type { AnyCache } from '../transaction.ts'
import type { Aggregate } from './aggregate.ts'

/** Nothing has them. To the compiler they say what a projection's rows are, and what it follows. */
declare const made: unique symbol
declare const followed: unique symbol
declare const told: unique symbol

/** Pairs of entries of two caches that belong together. Made by `join`. */
export interface Join<Item = unknown, Uses extends string = string> {
  readonly [made]?: Item
  readonly [followed]?: Uses
  readonly plan: JoinPlan
}

export interface JoinPlan {
  readonly left: AnyCache
  readonly right: AnyCache
  /** Field of the left one's entries. */
  readonly on: string
  /** Field of the right one's entries that has the same value. */
  readonly to: string
  /** An entry on the left that belongs to none makes an item too. */
  readonly outer: boolean
  readonly select: (left: Value, right: Value | undefined) => unknown
}

/** Says what of a projection's rows callers may read, as it is declared. */
export interface Told<Readable> {
  readonly [told]?: Readable
}

/** What a projection is made of: entries of a cache or of several, or a join of two. */
export type ProjectionSource = AnyCache | readonly AnyCache[] | Join

/**
 * A read model: rows that are made of the entries of caches and kept up with them, on each replica
 * for itself; read by key and by index as the entries of a cache are. Made by `defineProjection`.
 */
export interface Projection<
  Row = Value,
  Indexes extends IndexFields = IndexFields,
  Uses extends string = string,
  Name extends string = string,
> {
  readonly [made]?: Row
  readonly [followed]?: Uses
  readonly [told]?: unknown
  readonly name: Name
  readonly description: string | undefined
  readonly version: number
  readonly source: ProjectionSource
  /** Those that it follows. */
  readonly caches: readonly AnyCache[]
  readonly where: ((entry: Value) => unknown) | undefined
  readonly select: ((entry: Value) => unknown) | undefined
  readonly groupBy: readonly string[]
  /** undefined: a row for each item. */
  readonly aggregates: Readonly<Record<string, Aggregate>> | undefined
  readonly indexes: Indexes
  /** Schema of its rows, as far as it is known. */
  readonly row: TObject
  readonly readable: boolean | readonly string[] | undefined
  readonly access?: Access | undefined
  readonly partitionBy: PartitionBy | undefined
  /** Its rows are of this version always. */
  readonly evolution?: undefined
  readonly rowsMax: number
  readonly bytesMax: number
}

// biome-ignore lint/suspicious/noExplicitAny: the only common supertype of projections of all rows
export type AnyProjection = Projection<any>
