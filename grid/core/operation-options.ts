/** The result of an operation, known for certain only when it is melded. */
export interface Outcome<T> {
  /**
   * The outcome as this unit foresees it. Reading it inside a handler turns it into a validated
   * read: the transaction then applies only if the prediction holds.
   */
  readonly predicted: T
}

/**
 * What a handler's data becomes once its operations are melded: every `Outcome<T>` at its top level
 * is replaced by its `T`.
 */
export type Resolved<D> = D extends object
  ? D extends Outcome<infer T>
    ? T
    : { [K in keyof D]: D[K] extends Outcome<infer T> ? T : D[K] }
  : D

export interface IncrementOptions<V, Reasons extends string = string> {
  /** The operation is refused when the field would fall below. */
  readonly min?: number
  /** The operation is refused when the field would rise above. */
  readonly max?: number
  /** The entry to start from when there is none; without it the operation is refused. */
  readonly initial?: V
  /** The rejection's reason when the operation is refused. Default `out_of_bounds`. */
  readonly otherwise?: Reasons
}

export interface AppendOptions<V, Reasons extends string = string> {
  /** The operation is refused when the list would grow longer. */
  readonly max?: number
  readonly initial?: V
  /** Default `list_full`. */
  readonly otherwise?: Reasons
}

export type Patch<V> = { readonly [Field in keyof V]?: V[Field] | undefined }

export interface TakeOptions<Reasons extends string = string> {
  /** Take fewer than `limit` entries, down to this many. Default: `limit`. */
  readonly atLeast?: number
  /** Default `not_enough`. */
  readonly otherwise?: Reasons
}
