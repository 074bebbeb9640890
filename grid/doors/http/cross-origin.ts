import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** What pages of other origins may read of an answer beside what any page may. */
const exposedHeaders = [
  'Grid-Position',
  'Grid-Age',
  'ETag',
  'Idempotency-Replayed',
  'Preference-Applied',
  'Retry-After',
  'Allow',
  'X-Request-Id',
  'Traceparent',
]

/** Time for which a browser need not ask again, s: more than two hours none keeps. */
const preflightSeconds = 7200

/**
 * Lets pages of other origins use the door: the CORS protocol of the Fetch standard. Credentials of
 * a browser's own (cookies) are never taken, so `*` gives away nothing that others do not have; a
 * page sends an `Authorization` header by itself.
 * @param origins such as `https://shop.example`, or `*` alone
 */
export function answerOrigins(app: FastifyInstance, origins: readonly string[]): void {
  app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
    exposedHeaders,
    maxAge: preflightSeconds,
  })
}

/** Asked by a browser before a page's request, as opposed to by whoever wants to know. */
export const isPreflight = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined && headers['access-control-request-method'] !== undefined
