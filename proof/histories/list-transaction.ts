/** One step of a transaction on one list. */
export type ListStep =
  /** No other append to this list, in the whole history, is of the same value. */
  | { readonly key: string; readonly append: number }
  /** The whole list, as it was told; null where nobody was told. */
  | { readonly key: string; readonly read: readonly number[] | null }

/**
 * What a client saw of one command or query over one or several lists, its steps in their order.
 * Times are ns of one clock that only goes forward.
 */
export interface ListTransaction {
  readonly client: number
  readonly steps: readonly ListStep[]
  readonly call: number
  /** Not there where the outcome is unknown. */
  readonly return?: number
  /**
   * `fail`: it has certainly had no effect. `unknown`: it may take effect at any time from its call
   * to the end, or never.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown'
}
