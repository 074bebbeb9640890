import type { TSchema } from 'typebox'
import type { NumberField, Scalar } from '../data-types.ts'

/** Nothing has it. To the compiler it says what stands in a row. */
declare const told: unique symbol

/**
 * A value of a row, made of the items of its group: kept up with every item that comes, changes or
 * goes, and always what it would be if it were made anew. Made by what `values` is given.
 */
export interface Aggregate<Out = unknown> {
  readonly [told]?: Out
  readonly plan: AggregatePlan
}

/** What of an item an aggregate looks at. */
export type Picked = string | ((item: never) => unknown)

export type AggregatePlan =
  | { readonly kind: 'count'; readonly where: ((item: never) => unknown) | undefined }
  | { readonly kind: 'sum'; readonly of: Picked }
  | { readonly kind: 'min' | 'max'; readonly of: Picked }
  | {
      readonly kind: 'top'
      readonly count: number
      readonly by: string
      readonly lowest: boolean
      readonly show: readonly string[] | undefined
    }
  | ({ readonly kind: 'fold' } & FoldPlan)

interface FoldPlan {
  readonly initial: unknown
  readonly add: (value: never, item: never) => unknown
  readonly remove: (value: never, item: never) => unknown
  readonly merge: ((one: never, other: never) => unknown) | undefined
  readonly schema: TSchema | undefined
}

/** Fields by which items can be ordered; of one that has others too, those are left out. */
export type ScalarField<Item> = {
  [Field in keyof Item]-?: unknown extends Item[Field]
    ? Field
    : [Extract<Item[Field], Scalar>] extends [never]
      ? never
      : Field
}[keyof Item] &
  string

/** What an index can order of a field; undefined where an item may have none. */
type Ordered<T> = unknown extends T
  ? Scalar | undefined
  : T extends Scalar
    ? T
    : T extends undefined | null
      ? undefined
      : never

export interface FoldOptions<Item, Out> {
  /** Of a group without items: plain data. */
  readonly initial: Out
  /** The value with one item more. Pure: it returns another value, and changes none. */
  readonly add: (value: NoInfer<Out>, item: Item) => NoInfer<Out>
  /** The value without an item that it had been given: takes back exactly what `add` did. */
  readonly remove: (value: NoInfer<Out>, item: Item) => NoInfer<Out>
  /** Of a divided space: one value of two, each of other items of the same group. */
  readonly merge?: (one: NoInfer<Out>, other: NoInfer<Out>) => NoInfer<Out>
  /** Of the value, for the documentation of the doors. */
  readonly schema?: TSchema
}

/** What the values of a row can be. */
export interface Aggregates<Item> {
  /** How many items there are, or how many of them are as `where` says. */
  readonly count: (where?: (item: Item) => boolean) => Aggregate<number>
  /**
   * The exact sum, rounded once, of a field or of what a function makes of an item; those without
   * a number (undefined, null) do not count.
   */
  readonly sum: (
    of: NumberField<Item> | ((item: Item) => number | null | undefined),
  ) => Aggregate<number>
  /**
   * The least value of a field, or of what a function makes of an item, in the order of indexes.
   * Missing in the row while no item has any.
   */
  readonly min: Extreme<Item>
  /** The most, likewise. */
  readonly max: Extreme<Item>
  /**
   * The first so many items (at most 1,000) by a field: the highest first, or the `lowest`. Of
   * items that are equal there, the one with the higher key comes first; with the lower, if
   * `lowest`. `show`: fields of theirs that stand in the row, besides that one; all, if left out.
   */
  readonly top: <Field extends keyof Item & string = keyof Item & string>(
    count: number,
    options: {
      readonly by: ScalarField<Item>
      readonly lowest?: boolean
      readonly show?: readonly Field[]
    },
  ) => Aggregate<readonly Pick<Item, Field>[]>
  /** A fold of one's own, that can be taken back. */
  readonly fold: <Out>(options: FoldOptions<Item, Out>) => Aggregate<Out>
}

type Extreme<Item> = {
  <Field extends ScalarField<Item>>(of: Field): Aggregate<Ordered<Item[Field]>>
  <Out extends Scalar>(of: (item: Item) => Out | null | undefined): Aggregate<Out | undefined>
}

/** What `values` is given, whatever the items are. */
// biome-ignore lint/suspicious/noExplicitAny: of which items it makes values the declaration says
export const aggregates: Aggregates<any> = {
  count: (where) => ({ plan: { kind: 'count', where } }),
  sum: (of) => ({ plan: { kind: 'sum', of } }),
  min: (of: Picked) => ({ plan: { kind: 'min' as const, of } }),
  max: (of: Picked) => ({ plan: { kind: 'max' as const, of } }),
  top: (count, { by, lowest = false, show }) => ({
    plan: { kind: 'top', count, by, lowest, show },
  }),
  fold: ({ initial, add, remove, merge, schema }) => ({
    plan: { kind: 'fold', initial, add, remove, merge, schema },
  }),
}
