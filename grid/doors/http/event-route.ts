import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GridError } from '../../core/errors.ts'
import { readableEvents } from '../../core/readable-events.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import { SpaceEvents } from '../events/space-events.ts'
import { StreamReader } from '../events/stream-reader.ts'
import type { Streams } from '../events/streams.ts'
import { requestHeaders } from '../request/request-options.ts'
import { EventFilters, eventParameters } from './event-filter.ts'
import { oneHeaderOf, traceReply } from './exchange.ts'
import { resumeHeader, streamResponses } from './open-api.ts'
import type { UnitRotation } from './unit-rotation.ts'

export const streamType = 'text/event-stream; charset=utf-8'

/** `GET /{space}/events`. */
export function addEventRoute(
  app: FastifyInstance,
  streams: Streams,
  rotation: UnitRotation,
  readable: ReadonlyMap<string, ReadableFields>,
  undeclared: boolean,
): void {
  const { space } = rotation
  const filters = new EventFilters(space, readable, undeclared)
  const { shown } = readableEvents(space, undeclared)
  const events = new SpaceEvents({ space, streams, shown, unit: () => rotation.next() })
  const schema = {
    operationId: `${space.name}.events`,
    tags: [space.name],
    summary: 'Domain events and changes of entries as they happen: server-sent events',
    querystring: eventParameters,
    headers: resumeHeader,
    response: streamResponses,
  }
  app.get(
    `/${space.name}/events`,
    { config: { schema }, exposeHeadRoute: false },
    async (request, reply) => {
      const { filter, lastEventId } = filters.parse(
        (request.query as { readonly text: string }).text,
      )
      const after = lastIdOf(request) ?? lastEventId
      reply.header('grid-position', rotation.next().position)
      const leave = enter(streams, reply)
      try {
        await events.join(filter, after, () => openStream(reply, streams))
      } catch (error) {
        leave()
        throw error
      }
      return reply
    },
  )
}

/** Where a reader was; it may not know that, and send nothing. */
export const lastIdOf = (request: FastifyRequest): string | undefined => {
  const id = oneHeaderOf(request, requestHeaders.resume)
  return id === '' ? undefined : id
}

/**
 * One more reader, counted for as long as its connection lasts.
 * @throws GridError `overloaded`, `stopping`
 */
export function enter(streams: Streams, { raw }: FastifyReply): () => void {
  if (streams.closing)
    throw new GridError('stopping', 'The processing unit is stopping', { retryAfterMs: 1000 })
  const leave = streams.enter()
  raw.once('close', leave)
  return leave
}

/**
 * Sends the headers of a stream. Its end is that of the connection: what is sent goes to the
 * connection as it is, the same bytes to all readers.
 */
export function openStream(reply: FastifyReply, streams: Streams): StreamReader {
  const { raw } = reply
  if (!raw.socket)
    throw new GridError('invalid_header', 'A stream of events cannot stand in a pipeline')
  reply.hijack()
  traceReply(reply)
  const headers = reply.getHeaders() as OutgoingHttpHeaders
  raw.removeHeader('transfer-encoding')
  raw.writeHead(200, {
    ...headers,
    'content-type': streamType,
    'cache-control': 'no-cache, no-transform',
    // Proxies that would collect an answer before they pass it on.
    'x-accel-buffering': 'no',
    connection: 'close',
  })
  raw.flushHeaders()
  return new StreamReader(raw.socket, streams.options.streamBytesMax)
}
