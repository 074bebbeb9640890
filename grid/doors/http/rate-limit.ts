import type { FastifyInstance } from 'fastify'
import { GridError } from '../../core/errors.ts'

/** So many requests of one caller within a time, at each process for itself. */
export interface RateLimit {
  readonly requests: number
  readonly withinMs: number
}

/** Callers that are counted at a time; beyond, who has been silent longest is forgotten. */
const callersMax = 50_000

/**
 * Lets each caller ask so much and no more; beyond, 429 with `Retry-After`. A caller is an address:
 * what somebody shows of himself is looked at later, and could be another one each time.
 */
export function limitRate(app: FastifyInstance, { requests, withinMs }: RateLimit): void {
  // Loaded by those who use it only.
  app.register(import('@fastify/rate-limit'), {
    ...{ max: requests, timeWindow: withinMs, cache: callersMax },
    keyGenerator: ({ ip }) => ip,
    // Before a body is read, and before anything is looked up.
    hook: 'onRequest',
    addHeadersOnExceeding: none,
    addHeaders: none,
    errorResponseBuilder: (_request, { ttl }) =>
      new GridError('rate_limited', `A caller may ask ${requests} times within ${withinMs} ms`, {
        ...{ details: { limit: requests, withinMs }, retryAfterMs: Math.max(1, ttl) },
      }),
  })
}

const none = {
  ...{ 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
  'retry-after': false,
}
