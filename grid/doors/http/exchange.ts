import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PositionToken } from '../../core/position.ts'
import type { Streams } from '../events/streams.ts'
import { ageText } from '../request/answer-headers.ts'
import type { FaultLog } from '../request/public-error.ts'
import { repeatedHeader } from '../request/request-options.ts'
import type { RequestPipeline } from '../request/request-pipeline.ts'
import { type Trace, traceHeaders, traceOf } from '../request/trace.ts'
import type { BodyCompression } from './body-compression.ts'
import { noneMatchNames } from './entity-tag.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** See `traceOfRequest`. */
    trace: Trace | undefined
  }
}

/** What the routes of one server share. */
export interface Door {
  readonly log: FaultLog
  readonly pipeline: RequestPipeline
  readonly streams: Streams
  /** The server takes no new connections; every answer ends its own. */
  closing: boolean
  /** Of bodies that are long enough; undefined: never. */
  readonly compression: BodyCompression | undefined
  /** Replies carry headers for pages of other origins. */
  readonly crossOrigin: boolean
}

export const jsonType = 'application/json; charset=utf-8'

/** The value of a header, by its name in lower case; node joins what is sent several times. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  return request.raw.headers[name] as string | undefined
}

/**
 * The value of a header that may come once.
 * @throws GridError `invalid_header`: it comes several times
 */
export function oneHeaderOf(
  { raw }: { readonly raw: IncomingMessage },
  name: string,
): string | undefined {
  const lowerCase = name.toLowerCase()
  const value = raw.headers[lowerCase] as string | undefined
  // Node joins by a comma, which may be part of one value as well.
  if (!value?.includes(',')) return value
  // Names and values in turn.
  const times = raw.rawHeaders.filter((text, index) => {
    return index % 2 === 0 && text.toLowerCase() === lowerCase
  })
  if (times.length > 1) throw repeatedHeader(name)
  return value
}

const requestIdName = traceHeaders.requestId.toLowerCase()
const traceparentName = traceHeaders.traceparent.toLowerCase()

/** Under what a request is known. */
export function traceOfRequest(request: FastifyRequest): Trace {
  request.trace ??= traceOf(headerOf(request, requestIdName), headerOf(request, traceparentName))
  return request.trace
}

/** The same for what fastify sends. */
export function traceReply(reply: FastifyReply): void {
  const { requestId, traceparent } = traceOfRequest(reply.request)
  reply.header(requestIdName, requestId).header(traceparentName, traceparent)
}

/**
 * Adds the headers that every answer has, for those that are sent straight to node's response.
 * @param headers names and values in turn
 */
export function addStandingHeaders(door: Door, reply: FastifyReply, headers: string[]): void {
  const { requestId, traceparent } = traceOfRequest(reply.request)
  headers.push(requestIdName, requestId, traceparentName, traceparent)
  if (door.closing) headers.push('connection', 'close')
  if (door.crossOrigin)
    for (const [name, value] of Object.entries(reply.getHeaders()))
      headers.push(name, String(value))
}

/**
 * Sends a successful answer straight to node's response. Fastify's way (a map of headers, the
 * content type parsed again, the `onSend` hooks) took a tenth of a query's whole time; what hooks
 * would add to the headers is not added here.
 * @param headers names and values in turn
 */
export function sendJson(
  door: Door,
  reply: FastifyReply,
  headers: string[],
  json: string | Buffer,
): void {
  headers.push('content-type', jsonType)
  const { compression } = door
  if (compression === undefined || json.length < compression.lengthMin)
    sendPlain(door, reply, headers, json)
  else sendCompressed(door, compression, reply, headers, json)
}

/** Or as it is, to a caller who could not read that. */
function sendCompressed(
  door: Door,
  compression: BodyCompression,
  reply: FastifyReply,
  headers: string[],
  json: string | Buffer,
): void {
  headers.push('vary', 'accept-encoding')
  // The reply is ours from now on, not only when it is written.
  reply.hijack()
  const coding = compression.codingFor(headerOf(reply.request, 'accept-encoding'))
  if (coding === undefined) sendPlain(door, reply, headers, json)
  else
    compression.compress(json, coding).then(
      (body) => {
        headers.push('content-encoding', coding, 'content-length', String(body.length))
        send(door, reply, 200, weakTagged(headers), body)
      },
      // There was no memory for it: the answer itself is there.
      () => sendPlain(door, reply, headers, json),
    )
}

/** Names and values in turn. */
function weakTagged(headers: string[]): string[] {
  const at = headers.indexOf('etag') + 1
  if (at > 0 && headers[at]?.startsWith('"')) headers[at] = `W/${headers[at]}`
  return headers
}

function sendPlain(
  door: Door,
  reply: FastifyReply,
  headers: string[],
  json: string | Buffer,
): void {
  headers.push('content-length', String(Buffer.byteLength(json)))
  send(door, reply, 200, headers, json)
}

function send(
  door: Door,
  reply: FastifyReply,
  status: number,
  headers: string[],
  body: string | Buffer | undefined,
): void {
  addStandingHeaders(door, reply, headers)
  reply.hijack()
  reply.raw.writeHead(status, headers)
  reply.raw.end(body)
}

export interface TaggedBody {
  readonly position: PositionToken
  readonly ageMs: number | undefined
  readonly tag: string
  /** Called only when the caller does not have it yet. */
  readonly write: () => string | Buffer
}

/**
 * Answers a read: 304 when the caller names the tag in `If-None-Match`, the body otherwise. A
 * strong tag becomes a weak one when the body is compressed: it is not the same bytes any more
 * (RFC 9110, 8.8.3.3), and `If-None-Match` compares weakly anyway.
 */
export function sendTagged(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  { position, ageMs, tag, write }: TaggedBody,
): void {
  const headers = ['grid-position', String(position), 'etag', tag]
  if (ageMs !== undefined) headers.push('grid-age', ageText(ageMs))
  // A stored answer may be used again only after asking whether it still holds.
  headers.push('cache-control', 'no-cache')
  // Of a POST the header says something else (RFC 9110, 13.1.2).
  const isGet = request.method !== 'POST'
  if (isGet && noneMatchNames(headerOf(request, 'if-none-match'), tag)) {
    if (door.compression) headers.push('vary', 'accept-encoding')
    send(door, reply, 304, headers, undefined)
  } else sendJson(door, reply, headers, write())
}
