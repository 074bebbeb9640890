import { type FastifyError, type FastifyInstance, fastify } from 'fastify'
import { GridError, isGridError } from '../../core/errors.ts'
import { sendProblem } from '../http/failure.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import { requireToken } from './admin-token.ts'
import { openMetricsText, openMetricsType, wantsOpenMetrics } from './open-metrics.ts'
import type { PrometheusTelemetry } from './prometheus-telemetry.ts'
import { metricsOf } from './status-metrics.ts'
import { type StatusSource, statusIn, wishesOf } from './status-source.ts'

export interface AdminOptions {
  /** Told about bugs behind a 500. */
  readonly log: FaultLog
  /** What the process counts and observes, shown under /metrics with what its status says. */
  readonly telemetry?: PrometheusTelemetry
  /** Whoever wants more than health must show it. Default: nobody must. */
  readonly token?: string | undefined
  /**
   * Compares all copies of some spaces (default: all), for /audit. Default: there is no such route.
   */
  readonly audit?: (request: AuditRequest) => Promise<readonly object[]>
  /**
   * Answers what is asked of the outbox of a space, for /reactions. Default: there is no such
   * route.
   */
  readonly reactions?: (space: string, asked: object) => Promise<unknown>
}

export interface AuditRequest {
  readonly spaces: readonly string[] | undefined
  /** Differing keys to name. */
  readonly differencesMax: number
  readonly waitMs: number
}

/**
 * No route has a schema: what Fastify makes of them is not loaded, which takes a twentieth of the
 * time in which a data pump starts.
 */
const withoutSchemas = () => () => {
  throw new Error('No route of the administration has a schema')
}
const schemaController = {
  compilersFactory: { buildValidator: withoutSchemas, buildSerializer: withoutSchemas },
}

/**
 * The door for operators and probes: health, status, metrics. It tells how the grid is doing to
 * whoever can connect, so it listens on a port of its own, never the public one.
 */
export function createAdminServer(source: StatusSource, options: AdminOptions): FastifyInstance {
  const metrics = metricsOf(source, options.telemetry?.registry)
  const app = fastify({ logger: false, forceCloseConnections: 'idle', schemaController })
  if (options.token !== undefined) requireToken(app, options.token)

  // Alive means: the event loop turns. A unit that is not ready must not be restarted for it.
  app.get('/health/live', async () => ({ live: true }))

  app.get('/health/ready', async (_request, reply) => {
    const reasons = source.notReady()
    if (reasons.length === 0) {
      const wishes = wishesOf(source)
      return wishes.length === 0 ? { ready: true } : { ready: true, wishes }
    }
    return reply.code(503).send({ ready: false, reasons })
  })

  app.get('/status', async () => statusIn(source))

  const { unit, role } = source
  app.get('/metrics', async (request, reply) => {
    reply.header('vary', 'accept')
    if (wantsOpenMetrics(request.headers.accept))
      return reply
        .header('content-type', openMetricsType)
        .send(await openMetricsText(metrics, { unit, role }))
    return reply.header('content-type', metrics.contentType).send(await metrics.metrics())
  })

  const { audit } = options
  if (audit)
    app.get<{ Querystring: Readonly<Record<string, string | string[]>> }>(
      '/audit',
      async ({ query }) => ({
        reports: await audit({
          spaces: query.space === undefined ? undefined : [query.space].flat(),
          differencesMax: wholeOf(query, 'differences', 20),
          waitMs: wholeOf(query, 'wait', 30) * 1000,
        }),
      }),
    )

  const { reactions } = options
  if (reactions)
    app.post<{ Params: { space: string } }>('/reactions/:space', async ({ params, body }) =>
      reactions(params.space, Object(body)),
    )

  app.setNotFoundHandler((request, reply) => {
    const known = ['/health/live', '/health/ready', '/status', '/metrics']
    if (audit) known.push('/audit')
    const posted = reactions ? '; POST /reactions/{space}' : ''
    const message = `No route ${request.method} ${request.url.slice(0, 200)}; known: GET ${known.join(', ')}${posted}`
    return sendProblem(reply, new GridError('unknown_route', message, { details: { known } }))
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (isGridError(error)) return sendProblem(reply, error)
    if (error.statusCode === undefined || error.statusCode >= 500)
      return sendProblem(reply, publicError(error, options.log))
    const refusal = new GridError('unknown_route', `No route ${request.method}`)
    return sendProblem(reply, refusal, error.statusCode)
  })
  return app
}

/** @throws GridError `invalid_input` when it is no whole number */
function wholeOf(
  query: Readonly<Record<string, string | string[]>>,
  name: string,
  byDefault: number,
): number {
  const { [name]: given = String(byDefault) } = query
  if (typeof given === 'string' && /^\d{1,9}$/.test(given)) return Number(given)
  throw new GridError('invalid_input', `${name} is a whole number`)
}
