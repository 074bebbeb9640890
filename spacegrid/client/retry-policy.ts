/** Numbers in [0, 1). */
export type Random = () => number

export interface RetryPolicy {
  /** Attempts after the first one; zero turns retrying off. */
  readonly retriesMax: number
  /** A longer Retry-After than this is not waited for: the request ends as shed. In ms. */
  readonly retryAfterMaxMs: number
  /**
   * Bounds the retries of all requests of a client together: each attempt that ends without a
   * verdict takes one of so many tokens, each answer gives a tenth of one back, and with half of
   * them or less nothing is tried again. Default: no bound.
   */
  readonly budget?: number
}

/**
 * The first pause when nobody says how long to wait; it doubles from attempt to attempt, up to the
 * second. In ms.
 */
const backoffFirstMs = 100
const backoffMaxMs = 2000

/**
 * How much longer than asked a user waits at most, so that those turned away together do not come
 * back together.
 */
const jitterShare = 0.2

/**
 * How long to wait before the next attempt, or undefined when there is to be none. Never shorter
 * than the grid asked for.
 *
 * @param attempts attempts made so far, at least 1
 * @param retryAfterMs what the last answer asked for, if it did
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempts: number,
  retryAfterMs: number | undefined,
  random: Random,
): number | undefined {
  if (attempts > policy.retriesMax) return undefined
  const askedMs = retryAfterMs ?? Math.min(backoffMaxMs, backoffFirstMs * 2 ** (attempts - 1))
  if (askedMs > policy.retryAfterMaxMs) return undefined
  return askedMs + Math.floor(random() * (Math.ceil(askedMs * jitterShare) + 1))
}

/**
 * Reads a Retry-After header: seconds, or a date (RFC 9110, section 10.2.3). Undefined when there
 * is none to go by.
 */
export function retryAfterMsOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const dateMs = Date.parse(header)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs)
}
