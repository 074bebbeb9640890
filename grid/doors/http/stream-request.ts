import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import { GridError } from '../../core/errors.ts'
import type { PositionToken } from '../../core/position.ts'
import { StreamReader } from '../events/stream-reader.ts'
import type { Streams } from '../events/streams.ts'
import type { Caller } from '../request/caller.ts'
import type { StreamOptions } from '../request/request-pipeline.ts'
import { traceReply } from './exchange.ts'
import { HttpRequest } from './http-request.ts'

const streamType = 'text/event-stream; charset=utf-8'

/** What somebody wants to follow, and on which connection. */
export interface StreamAsked<What> {
  readonly what: What
  readonly reply: FastifyReply
}

/** A request that is answered by a stream; what is wrong with it, as any other, by a problem. */
export abstract class StreamRequest<What> extends HttpRequest<StreamOptions, void> {
  input(): StreamAsked<What> {
    return { what: this.what(), reply: this.reply }
  }

  /** @throws GridError when it cannot be read */
  protected abstract what(): What

  /** The connection is the stream's by now. */
  answer(): void {
    return
  }

  /** The text behind the question mark: see the server's query string parser. */
  protected get text(): string {
    return (this.request.query as { readonly text: string }).text
  }
}

/**
 * One more reader, if there is room: counted for as long as its connection lasts.
 * @param join makes it follow; `open` sends the headers, once it is certain that it can
 * @throws GridError `overloaded`, `stopping`; what `join` throws
 */
export async function admitReader(
  streams: Streams,
  reply: FastifyReply,
  { position, caller }: { readonly position: PositionToken; readonly caller: Caller },
  join: (open: () => StreamReader) => Promise<void>,
): Promise<void> {
  reply.header('grid-position', position)
  if (streams.closing)
    throw new GridError('stopping', 'The processing unit is stopping', { retryAfterMs: 1000 })
  const leave = streams.enter()
  reply.raw.once('close', leave)
  try {
    await join(() => {
      const reader = openStream(reply, streams)
      streams.attend(reader, caller)
      return reader
    })
  } catch (error) {
    leave()
    throw error
  }
}

/**
 * Sends the headers of a stream. Its end is that of the connection: what is sent goes to the
 * connection as it is, the same bytes to all readers.
 */
function openStream(reply: FastifyReply, streams: Streams): StreamReader {
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
