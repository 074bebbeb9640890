import type { Query } from '../definition.ts'
import type { AnyProjection, Projection, Told } from './projection.ts'

/** Which rows of a projection are asked for: a range of an index, page by page. */
export interface RowsInput<Index extends string = string> {
  /** Default `byKey`. */
  readonly index?: Index | undefined
  /** Values of its first fields, as texts. */
  readonly equals?: readonly string[] | undefined
  /** Bounds of the field behind those, as texts. */
  readonly from?: string | undefined
  readonly after?: string | undefined
  readonly to?: string | undefined
  readonly before?: string | undefined
  readonly reverse?: boolean | undefined
  /** Rows of one page, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined
  /** `next` of the page before: of the same index and direction. */
  readonly cursor?: string | undefined
}

export interface RowsPage<Row> {
  readonly rows: readonly Row[]
  /** `cursor` of the next page; missing on the last one. */
  readonly next?: string
  /** There are more, and no cursor: it would say what callers may not read. */
  readonly more?: true
}

/** What callers may read of a row; never: nothing. */
type ToldRow<Row, Readable> = Readable extends true
  ? Row
  : Readable extends readonly (infer Field)[]
    ? { readonly [Name in Field & keyof Row]: Row[Name] }
    : never

/** Of one projection. */
type RowQueries<Row, Indexes, Name extends string> = [Row] extends [never]
  ? never
  :
      | Query<{ readonly key: string }, Row, `${Name}.row`>
      | Query<RowsInput<keyof Indexes & string>, RowsPage<Row>, `${Name}.rows`>

/** The queries that a space has for those of its projections that are `readable`. */
export type RowQueriesOf<Projections extends AnyProjection> =
  Projections extends Projection<infer Row, infer Indexes, infer _Uses, infer Name>
    ? Projections extends Told<infer Readable>
      ? RowQueries<ToldRow<Row, Readable>, Indexes, Name>
      : never
    : never
