import type { IndexRange, Scalar, Value } from './data-types.ts'

/** What the input of a query that is answered by pages may say. */
export interface PageInput {
  /** At most so many entries. */
  readonly limit?: number | undefined
  /** `next` of the page before. */
  readonly cursor?: string | undefined
}

/** A page of a list. */
export interface Page<V> {
  readonly items: readonly V[]
  /** Where the next page begins, as its `cursor`; missing on the last one. */
  readonly next?: string
  /** With `withKeys`: those of the items. */
  readonly keys?: readonly string[]
}

/** Bounds of one field. */
export interface FieldBounds<Bound extends Scalar = Scalar> {
  readonly from?: Bound | undefined
  readonly after?: Bound | undefined
  readonly to?: Bound | undefined
  readonly before?: Bound | undefined
}

/** Fields of an entry, each with the value it must have, or bounds. */
export type Where<V> = {
  readonly [Field in keyof V]?:
    | OrderedValue<V[Field]>
    | FieldBounds<OrderedValue<V[Field]>>
    | undefined
}

/** What can be compared of a field's values. */
type OrderedValue<T> = unknown extends T ? Scalar : Extract<T, Scalar>

/** Which page of an index is read: a range of it, and what of that. */
export interface PageOptions<
  V = Value,
  Equals extends readonly Scalar[] = readonly Scalar[],
  Bound extends Scalar = Scalar,
> extends IndexRange<Equals, Bound> {
  /** How many entries at most. Default 100, at most 10,000. */
  readonly limit?: number | undefined
  /** `next` of the page before: of the same index, `equals` and direction. */
  readonly cursor?: string | undefined
  /**
   * What further fields must hold. Where it fixes or bounds the index's next fields the index finds
   * them; for the others entries are looked at one by one.
   */
  readonly where?: Where<V> | undefined
  /** Whether an entry belongs to the list. Pure and synchronous. */
  readonly filter?: ((value: V) => boolean) | undefined
  /**
   * Entries that may be looked at to find those that fit `where` and `filter`; beyond, the query is
   * refused with `query_too_large`. Default, and at most: 100,000 for all pages of a query
   * together.
   */
  readonly examinedMax?: number | undefined
  /** Whether the page has the keys of its items too: rows need not say theirs. Default: no. */
  readonly withKeys?: boolean | undefined
}
