import { type FastifyError, type FastifyInstance, fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { GridError } from '../errors.ts'
import { type FaultLog, publicError } from '../services/public-error.ts'
import { sendProblem } from './failure.ts'
import { metricsOf } from './status-metrics.ts'
import type { StatusSource } from './status-source.ts'

export interface AdminOptions {
  /** Told about bugs behind a 500. */
  readonly log: FaultLog
  /** Served under /metrics. Default: `metricsOf(source)`. */
  readonly metrics?: Registry
}

/**
 * The door for operators and probes: health, status, metrics. It tells how the grid is doing to whoever can connect, so it listens
 * on a port of its own, never the public one.
 */
export function createAdminServer(source: StatusSource, options: AdminOptions): FastifyInstance {
  const metrics = options.metrics ?? metricsOf(source)
  const app = fastify({ logger: false, forceCloseConnections: 'idle' })

  // Alive means: the event loop turns. A unit that is not ready must not be restarted for it.
  app.get('/health/live', async () => ({ live: true }))

  app.get('/health/ready', async (_request, reply) => {
    const reasons = source.notReady()
    if (reasons.length === 0) return { ready: true }
    return reply.code(503).send({ ready: false, reasons })
  })

  app.get('/status', async () => ({
    unit: source.unit,
    role: source.role,
    ready: source.notReady().length === 0,
    spaces: source.spaces(),
  }))

  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.metrics()
    return reply.header('content-type', metrics.contentType).send(text)
  })

  app.setNotFoundHandler((request, reply) => {
    const known = ['/health/live', '/health/ready', '/status', '/metrics']
    const message = `No route ${request.method} ${request.url.slice(0, 200)}; known: GET ${known.join(', ')}`
    return sendProblem(reply, new GridError('unknown_route', message, { details: { known } }))
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.statusCode === undefined || error.statusCode >= 500)
      return sendProblem(reply, publicError(error, options.log))
    const refusal = new GridError('unknown_route', `No route ${request.method}`)
    return sendProblem(reply, refusal, error.statusCode)
  })
  return app
}
