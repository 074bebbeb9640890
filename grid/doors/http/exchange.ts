import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PositionToken } from '../../core/position.ts'
import { ageText } from '../request/answer-headers.ts'
import type { FaultLog } from '../request/public-error.ts'
import { repeatedHeader } from '../request/request-options.ts'
import type { RequestPipeline } from '../request/request-pipeline.ts'
import { noneMatchNames } from './entity-tag.ts'

/** What the routes of one server share. */
export interface Door {
  readonly log: FaultLog
  readonly pipeline: RequestPipeline
  /** The server takes no new connections; every answer ends its own. */
  closing: boolean
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

/**
 * Sends a successful answer straight to node's response. Fastify's way (a map of headers, the
 * content type parsed again, the `onSend` hooks) took a tenth of a query's whole time; what hooks
 * would add to the headers is not added here.
 * @param headers names and values in turn
 */
export function sendJson(door: Door, reply: FastifyReply, headers: string[], json: string): void {
  headers.push('content-type', jsonType, 'content-length', String(Buffer.byteLength(json)))
  send(door, reply, 200, headers, json)
}

function send(
  door: Door,
  reply: FastifyReply,
  status: number,
  headers: string[],
  body: string | undefined,
): void {
  if (door.closing) headers.push('connection', 'close')
  reply.hijack()
  reply.raw.writeHead(status, headers)
  reply.raw.end(body)
}

export interface TaggedBody {
  readonly position: PositionToken
  readonly ageMs: number | undefined
  readonly tag: string
  /** Called only when the caller does not have it yet. */
  readonly write: () => string
}

/** Answers a read: 304 when the caller names the tag in `If-None-Match`, the body otherwise. */
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
  if (noneMatchNames(headerOf(request, 'if-none-match'), tag))
    send(door, reply, 304, headers, undefined)
  else sendJson(door, reply, headers, write())
}
