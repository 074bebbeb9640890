import type { FastifyReply, FastifyRequest } from 'fastify'
import { readOptions } from '../services/request-options.ts'
import type { ReadOptions } from '../unit/serving.ts'
import { noneMatchNames } from './entity-tag.ts'

export const jsonType = 'application/json; charset=utf-8'

/** One value of a header, by its name in lower case; node joins what is sent several times. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  return request.raw.headers[name] as string | undefined
}

/** What the headers of a query or an entry read ask for. */
export const readOptionsOf = (request: FastifyRequest): ReadOptions =>
  readOptions(headerOf(request, 'grid-position'), headerOf(request, 'grid-consistency'))

export interface TaggedBody {
  readonly position: number
  readonly tag: string
  /** Called only when the caller does not have it yet. */
  readonly write: () => string
}

/** Answers a read: 304 when the caller names the tag in `If-None-Match`, the body otherwise. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  { position, tag, write }: TaggedBody,
): FastifyReply {
  reply
    .header('grid-position', position)
    .header('etag', tag)
    // A stored answer may be used again only after asking whether it still holds.
    .header('cache-control', 'no-cache')
  if (noneMatchNames(headerOf(request, 'if-none-match'), tag)) return reply.code(304).send()
  return reply.header('content-type', jsonType).send(write())
}
