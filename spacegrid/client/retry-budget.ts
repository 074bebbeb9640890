/** What one answer gives back. */
const perAnswer = 0.1

/**
 * Bounds the retries of a client, all its requests together, so that callers of a grid that is down
 * do not multiply the load on it: each attempt that ends without a verdict takes a token, each
 * answer gives a tenth of one back, and while half of the tokens are gone nothing is tried again.
 * So of many requests that all fail some are retried, then none; and at most one in ten while most
 * succeed. As of gRPC (gRFC A6, "Throttling Retry Attempts and Hedged RPCs").
 */
export class RetryBudget {
  readonly #tokensMax: number
  #tokens: number

  /** @param tokensMax `Infinity`: there is no bound */
  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax
    this.#tokens = tokensMax
  }

  get allows(): boolean {
    return this.#tokensMax === Number.POSITIVE_INFINITY || this.#tokens > this.#tokensMax / 2
  }

  answered(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + perAnswer)
  }

  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - 1)
  }
}
