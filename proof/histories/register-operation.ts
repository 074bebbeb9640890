/** A text that a client has chosen; null: nobody has written the register. */
export type RegisterValue = string | null

/**
 * What a client saw of one operation on a register, as `linearizable/main.go` reads it. Times are
 * ns of one clock that only goes forward.
 */
export interface RegisterOperation {
  readonly client: number
  readonly key: string
  readonly kind: 'read' | 'write' | 'cas'
  /** Of a cas: what must be there; of it and a write: what is there afterwards. */
  readonly input: { readonly from?: RegisterValue; readonly to?: string }
  /** Of a read, and of a cas that was not done: what was there; of a cas: whether it was done. */
  readonly output: { readonly found?: RegisterValue; readonly done?: boolean }
  readonly call: number
  /** Not there where the outcome is unknown. */
  readonly return?: number
  /**
   * `fail`: it has certainly had no effect. `unknown`: it may take effect at any time from its call
   * to the end, or never.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown'
}
