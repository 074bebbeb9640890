import type { Static as MutableStatic, TSchema } from 'typebox'
import type { Mistake } from './mistake.ts'

/**
 * A value an index can order: booleans before numbers before strings; strings by UTF-16 code unit.
 */
export type Scalar = string | number | boolean

/** Plain data of an entry. */
export type Value = Readonly<Record<string, unknown>>

type Whole = Scalar | bigint | symbol | null | undefined | Date | ArrayBufferView

/**
 * Data as the grid hands it out, and as it is at run time: readonly on every level. Dates and
 * arrays of numbers stay what they are.
 */
export type Frozen<T> = T extends Whole
  ? T
  : T extends object
    ? { readonly [Field in keyof T]: Frozen<T[Field]> }
    : T

/**
 * The type of a schema's values: readonly on every level, because entries, inputs and results are.
 */
export type Static<S extends TSchema> = Frozen<MutableStatic<S>>

// Fields of an entry, by what they hold. Of a field that is `unknown` only the schema knows, when
// the grid runs.

/** Fields that are there in every entry and hold a text: what a key can be. */
export type RequiredText<V> = {
  [Field in keyof V]-?: unknown extends V[Field] ? Field : V[Field] extends string ? Field : never
}[keyof V] &
  string

/** Fields that are there in every entry and hold what a partition can be found by. */
export type PartitionField<V> = {
  [Field in keyof V]-?: unknown extends V[Field] ? Field : V[Field] extends Scalar ? Field : never
}[keyof V] &
  string

export type NumberField<V> = {
  [Field in keyof V]-?: unknown extends V[Field]
    ? Field
    : NonNullable<V[Field]> extends number
      ? Field
      : never
}[keyof V] &
  string

export type ListField<V> = {
  [Field in keyof V]-?: unknown extends V[Field]
    ? Field
    : NonNullable<V[Field]> extends readonly unknown[]
      ? Field
      : never
}[keyof V] &
  string

/** What a list field holds. */
export type ItemOf<V, Field extends keyof V> = unknown extends V[Field]
  ? unknown
  : NonNullable<V[Field]> extends readonly (infer Item)[]
    ? Item
    : never

/**
 * Selects consecutive entries of an index: `equals` fixes its leading fields, the bounds restrict
 * the next one. What is undefined is as if it were missing. Without `limit` the whole range is
 * meant (a command's range read is limited to `limits.rangeEntriesMax`).
 */
export interface IndexRange<
  Equals extends readonly Scalar[] = readonly Scalar[],
  Bound extends Scalar = Scalar,
> {
  readonly equals?: Equals | undefined
  readonly from?: Bound | undefined
  readonly after?: Bound | undefined
  readonly to?: Bound | undefined
  readonly before?: Bound | undefined
  readonly reverse?: boolean | undefined
  /** How many entries at most. */
  readonly limit?: number | undefined
}

/** Index name → its fields, in order. */
export type IndexFields = Readonly<Record<string, readonly string[]>>

/** Values of an index's leading fields: none, some or all of them. */
export type EqualsOf<V, Fields extends readonly string[]> = number extends Fields['length']
  ? readonly Scalar[]
  : Extract<Prefix<ValuesOf<V, Fields>>, readonly Scalar[]>

/** The value of the field behind those that `equals` fixes. */
export type BoundOf<
  V,
  Fields extends readonly string[],
  Equals extends readonly unknown[],
> = number extends Fields['length'] ? Scalar : Extract<Next<ValuesOf<V, Fields>, Equals>, Scalar>

type ValuesOf<V, Fields extends readonly string[]> = {
  readonly [Place in keyof Fields]: Fields[Place] extends keyof V
    ? Ordered<V[Fields[Place]]>
    : Scalar
}

/** What an index can order of a field's values; entries with another one are not in it. */
type Ordered<T> = unknown extends T ? Scalar : Extract<T, Scalar>

type Prefix<Values extends readonly unknown[]> = Values extends readonly [...infer Leading, unknown]
  ? Values | Prefix<readonly [...Leading]>
  : Values

type Next<
  Values extends readonly unknown[],
  Equals extends readonly unknown[],
> = `${Equals['length']}` extends keyof Values
  ? Values[Equals['length']]
  : string & Mistake<'equals names all fields of the index: none is left for a bound'>
