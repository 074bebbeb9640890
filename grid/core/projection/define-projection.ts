import type { TObject } from 'typebox'
import { type Access, checkedAccess } from '../access.ts'
import { rememberDeclaration } from '../application-fault.ts'
import type { Frozen, IndexFields, Scalar, Value } from '../data-types.ts'
import { takePartitionBy } from '../declared-partitions.ts'
import { checkDescription, checkName, checkSynchronous } from '../definition-checks.ts'
import type { Mistake } from '../mistake.ts'
import type { AnyCache, Cache, PartitionKey } from '../transaction.ts'
import { type Aggregate, type Aggregates, aggregates, type ScalarField } from './aggregate.ts'
import { takeAggregates } from './aggregate-checks.ts'
import type { Join, Projection, ProjectionSource, Told } from './projection.ts'
import {
  checkGroupBy,
  checkIndexes,
  checkSource,
  rowSchema,
  takeLimit,
} from './projection-checks.ts'
import { cachesOf, type EntryOf, type UsesOf } from './source.ts'

const rowsMaxDefault = 1_000_000
const bytesMaxDefault = 256 * 1024 * 1024

type Values = Readonly<Record<string, Aggregate>>

export interface ProjectionOptions<
  Of extends ProjectionSource,
  Selected,
  GroupBy extends readonly string[],
  Made extends Values,
  Indexes extends IndexFields,
> {
  readonly description?: string
  /**
   * Told from others of the same name: what units of two versions hold is not put together. Rows
   * are made anew whenever a unit starts. Default 1.
   */
  readonly version?: number
  /** What it is made of: a cache, several (their entries one after the other), or a `join`. */
  readonly of: Of
  /** Which of the entries; pure. Default: all. */
  readonly where?: (entry: EntryOf<Of>) => boolean
  /** What is made of an entry before all else: an object of plain data; pure. Default: itself. */
  readonly select?: (entry: EntryOf<Of>) => Selected
  /**
   * Fields whose values make a group: texts, numbers or booleans. Items without one of them are in
   * none. Left out, with `values`: all are in one, whose key is `all`.
   */
  readonly groupBy?: GroupBy
  /** What stands in a group's row besides. Left out: each item is a row, with the entry's key. */
  readonly values?: (of: Aggregates<ItemOf<Of, Selected>>) => Made
  /** Index name → fields of the row, in order; `byKey` is always there: by what is grouped by. */
  readonly indexes?: Indexes
  /**
   * What callers from outside may read of a row, by its key and by index: all of it, or the fields
   * named here. Default: nothing.
   */
  readonly readable?: boolean | readonly string[]
  /**
   * Who may read what is readable of its rows, where callers are asked who they are: `public`,
   * `identified` or roles. Default: only those whom configuration names. docs/security.md.
   */
  readonly access?: Access
  /**
   * Of a space with several partitions: fields of the row that say in which one it is, where all of
   * a row is in one. Default: it may be in several, and is put together when it is read from
   * outside.
   */
  readonly partitionBy?: string | readonly string[]
  /** More put it out of use. Default 1,000,000. */
  readonly rowsMax?: number
  /** An estimate: content of its rows, and what is kept for them. Default 256 MiB. */
  readonly bytesMax?: number
}

/** What a projection is made of, one at a time: what `select` makes, if there is one. */
type ItemOf<Of, Selected> = [Selected] extends [never] ? EntryOf<Of> : Selected

/** Fields of an item by which it is grouped, and what its group's row has besides. */
export type RowOf<Item, GroupBy extends readonly string[], Made> = [Made] extends [never]
  ? Frozen<Item>
  : Flat<
      {
        readonly [Field in GroupBy[number]]: Field extends keyof Item
          ? Extract<Item[Field], Scalar>
          : Scalar
      } & ValuesOf<Made>
    >

type ValuesOf<Made> = {
  readonly [Name in keyof Made as undefined extends OutOf<Made[Name]> ? never : Name]: OutOf<
    Made[Name]
  >
} & {
  readonly [Name in keyof Made as undefined extends OutOf<Made[Name]> ? Name : never]?: OutOf<
    Made[Name]
  >
}

type OutOf<Of> = Of extends Aggregate<infer Out> ? Frozen<Out> : never

type Flat<T> = { readonly [Field in keyof T]: T[Field] }

interface ProjectionCheck<Given, Of, GroupBy extends readonly string[], Row, Indexes> {
  /** What `select` makes is known when the grid runs: the compiler is still finding it out. */
  readonly groupBy?: 'values' extends Given
    ? 'select' extends Given
      ? unknown
      : [Exclude<GroupBy[number], ScalarField<EntryOf<Of>>>] extends [never]
        ? unknown
        : Mistake<'what is grouped by is a field that holds a text, a number or a boolean'>
    : Mistake<'what is grouped needs values: count(), at least'>
  readonly indexes?: {
    readonly [Index in keyof Indexes]: Indexes[Index] extends readonly (keyof Row)[]
      ? unknown
      : Mistake<'an index is over fields of the row'>
  }
}

/**
 * Declares a projection: rows that are made of entries, and kept up with them, whether they come,
 * change or go. Its functions are pure; one that throws, or that cannot take back what it has done,
 * is a fault of the application, and the projection out of use.
 * @throws TypeError when something of it cannot be kept
 */
export function defineProjection<
  const Name extends string,
  const Of extends ProjectionSource,
  Selected = never,
  const GroupBy extends readonly string[] = readonly [],
  Made extends Values = Values,
  const Indexes extends IndexFields = Record<never, never>,
  Given extends keyof ProjectionOptions<Of, Selected, GroupBy, Made, Indexes> = never,
  const Readable extends boolean | readonly string[] = false,
>(
  name: Name,
  options: ProjectionOptions<Of, Selected, GroupBy, Made, Indexes> &
    ProjectionCheck<
      Given,
      Of,
      GroupBy,
      RowOf<ItemOf<Of, Selected>, GroupBy, 'values' extends Given ? Made : never>,
      Indexes
    > & {
      readonly [Option in Given]?: unknown
    } & { readonly readable?: Readable },
): Projection<
  RowOf<ItemOf<Of, Selected>, GroupBy, 'values' extends Given ? Made : never>,
  Indexes & { readonly byKey: GroupBy },
  UsesOf<Of>,
  Name
> &
  Told<Readable> {
  checkName('projection', name)
  const what = `projection ${name}`
  const { description, version = 1, of, where, select, values, readable } = options
  checkDescription(what, description)
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`${what}: version must be a whole number from 1`)
  checkSource(what, of)
  if (where !== undefined) checkSynchronous(`${what}: where`, where)
  if (select !== undefined) checkSynchronous(`${what}: select`, select)
  const groupBy: readonly string[] = options.groupBy ?? []
  if (values === undefined && groupBy.length > 0)
    throw new TypeError(`${what}: what is grouped needs values: count(), at least`)
  const entry = select === undefined ? entrySchema(of) : undefined
  checkGroupBy(what, groupBy, entry)
  if (values !== undefined) checkSynchronous(`${what}: values`, values)
  const made = values && takeAggregates(what, values(aggregates), groupBy, entry)
  const row = rowSchema(groupBy, made, entry)
  const indexes: IndexFields = { byKey: groupBy, ...options.indexes }
  checkIndexes(what, options.indexes ?? {}, row, made !== undefined || entry !== undefined)
  if (typeof readable === 'object') checkReadable(what, readable, row)
  const partitionBy = options.partitionBy as PartitionKey | undefined
  return rememberDeclaration({
    name,
    description,
    version,
    source: of,
    caches: cachesOf(of),
    where: where as ((entry: Value) => unknown) | undefined,
    select: select as ((entry: Value) => unknown) | undefined,
    groupBy,
    aggregates: made,
    indexes: indexes as Indexes & { readonly byKey: GroupBy },
    row,
    readable,
    access: checkedAccess(what, options.access),
    partitionBy: takePartitionBy(what, row, partitionBy),
    rowsMax: takeLimit(`${what}: rowsMax`, options.rowsMax, rowsMaxDefault),
    bytesMax: takeLimit(`${what}: bytesMax`, options.bytesMax, bytesMaxDefault),
  })
}

/** The schema of what comes of a source, if it is known before it comes. */
function entrySchema(of: ProjectionSource): TObject | undefined {
  if ('plan' in of) return undefined
  const [first, ...others] = cachesOf(of) as readonly [AnyCache, ...AnyCache[]]
  return others.length === 0 ? first.schema : undefined
}

function checkReadable(what: string, readable: readonly string[], { properties }: TObject): void {
  if (readable.length === 0) throw new TypeError(`${what}: readable names no field`)
  for (const field of readable)
    if (Object.keys(properties).length > 0 && !Object.hasOwn(properties, field))
      throw new TypeError(`${what}: readable names the unknown field ${field}`)
}

export interface JoinOptions<Left, Right, Outer extends boolean, Out> {
  /** Field of the first cache's entries: its value is the key of the other's. */
  readonly on: ScalarField<Left>
  /** Field of the other one's entries that has that value, where that is not their key. */
  readonly to?: ScalarField<Right>
  /** Whether an entry of the first cache that belongs to none of the other makes an item too. */
  readonly outer?: Outer
  /** The item that a pair makes: an object of plain data; pure. */
  readonly select: (left: Left, right: Outer extends true ? Right | undefined : Right) => Out
}

/**
 * Joins two caches, for the `of` of a projection: an item for each pair of entries that belong
 * together, kept up from both sides. An item has the key of the first cache's entry; where `to`
 * names another field than the key, that of `rowKey` with both their keys.
 * @throws TypeError when a field is not there or a callback cannot be kept
 */
export function join<
  Left,
  LeftName extends string,
  Right,
  RightName extends string,
  Out,
  const Outer extends boolean = false,
>(
  left: Cache<Left, IndexFields, LeftName>,
  right: Cache<Right, IndexFields, RightName>,
  options: JoinOptions<NoInfer<Left>, NoInfer<Right>, Outer, Out>,
): Join<Out, LeftName | RightName> {
  checkSource('join', [left, right])
  const { on, to = right.key, outer = false, select } = options
  checkSynchronous('join: select', select)
  for (const [cache, field] of [
    [left, on],
    [right, to],
  ] as readonly (readonly [AnyCache, string])[])
    if (!Object.hasOwn(cache.schema.properties, field))
      throw new TypeError(`join: cache ${cache.name} has no field ${field}`)
  return {
    plan: {
      left: left as AnyCache,
      right: right as AnyCache,
      on,
      to,
      outer,
      select: select as (left: Value, right: Value | undefined) => unknown,
    },
  }
}
