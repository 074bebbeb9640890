import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Answers requests for pages by itself, from the first byte of their bodies on. */
export type Pages = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Pages for people beside the routes of the spaces. A space that is called `console` keeps its own
 * routes: what they are called is no page.
 */
export function addPages(app: FastifyInstance, pages: Pages): void {
  for (const url of ['/', '/console', '/console/*'])
    app.route({
      method: ['GET', 'POST'],
      url,
      schema: { hide: true },
      // They ask for a token of their own.
      config: { isPublic: true },
      // Before a body is read: that is the pages' own business.
      onRequest: (request, reply) => {
        reply.hijack()
        pages(request.raw, reply.raw)
      },
      handler: () => undefined,
    })
}
