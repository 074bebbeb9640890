export interface RequestOptions {
  /** Sent with this request as well. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * The caller waits no longer. What is thrown then is its reason, or `outcome_unknown` of a
   * command that may have taken effect.
   */
  readonly signal?: AbortSignal
  /**
   * So long the caller waits, retries included, in ms; then what the last attempt has come to is
   * what is answered. Default: as long as the retries take.
   */
  readonly deadlineMs?: number
}
