import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GridError } from '../../core/errors.ts'
import { answerEarly, type DiscardLimits } from './discard.ts'
import { oneHeaderOf } from './exchange.ts'
import { problemOf, problemType, retryAfterSeconds } from './problem.ts'

/** Answers with an error's problem document. */
export function sendProblem(
  reply: FastifyReply,
  error: GridError,
  status: number = error.status,
): FastifyReply {
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (reply.hasHeader('connection')) reply.header('connection', connectionOf(reply))
  // As bytes: to a text fastify would add a charset, a parameter that problem documents do not
  // have.
  return reply
    .code(status)
    .header('content-type', problemType)
    .send(Buffer.from(JSON.stringify(problemOf(error, status))))
}

/**
 * Fastify would close it after a body it has not read, and the requests behind that one would lose
 * their answers.
 */
const connectionOf = ({ raw }: FastifyReply): string =>
  raw.shouldKeepAlive ? 'keep-alive' : 'close'

/**
 * The same while the request's body is still arriving: the caller hears at once what is wrong, and
 * not that the connection is broken.
 */
export function sendProblemEarly(
  reply: FastifyReply,
  error: GridError,
  status: number,
  { closing, ...limits }: DiscardLimits & { readonly closing: boolean },
): FastifyReply {
  const { request, raw } = reply
  const body = Buffer.from(JSON.stringify(problemOf(error, status)))
  reply.hijack()
  raw.writeHead(status, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    connection: closing ? 'close' : connectionOf(reply),
    'content-type': problemType,
    'content-length': body.length,
  })
  answerEarly(request.raw, raw, limits, body)
  return reply
}

/** Answers `OPTIONS`; what the path takes is in the reply's headers already. */
export function sendAllowed(reply: FastifyReply, limits: DiscardLimits): FastifyReply {
  const { request, raw } = reply
  if (request.raw.complete) return reply.code(204).send()
  reply.hijack()
  raw.writeHead(204, reply.getHeaders() as OutgoingHttpHeaders)
  raw.flushHeaders()
  answerEarly(request.raw, raw, limits, Buffer.alloc(0))
  return reply
}

/**
 * Tells what fastify found wrong with a request in the grid's words; undefined when the fault is
 * not the request's.
 * @param bodyBytesMax the limit in force, for the message
 */
export function requestFault(
  error: { readonly code?: unknown; readonly statusCode?: unknown },
  request: FastifyRequest,
  bodyBytesMax: number,
): GridError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GridError('body_too_large', `The body may have at most ${bodyBytesMax} bytes`, {
        details: { bytesMax: bodyBytesMax },
      })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return contentTypeFault(request)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GridError('invalid_header', 'Content-Length: not the length of the body')
  }
  const { statusCode } = error
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new GridError('invalid_json', 'The body could not be read to its end')
  return undefined
}

function contentTypeFault(request: FastifyRequest): GridError {
  let contentType: string | undefined
  try {
    contentType = oneHeaderOf(request, 'Content-Type')
  } catch (error) {
    if (error instanceof GridError) return error
    throw error
  }
  const met = contentType === undefined ? 'none' : JSON.stringify(contentType.slice(0, 100))
  return new GridError(
    'unsupported_media_type',
    `Content-Type must be application/json, met ${met}`,
  )
}

/**
 * What the headers say about a body must be what we read it as.
 * A compressed body cannot be read: refused by name instead of as broken JSON.
 */
export function checkContentHeaders(request: FastifyRequest): void {
  oneHeaderOf(request, 'Content-Type')
  const encoding = request.raw.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new GridError('unsupported_media_type', 'Content-Encoding must be identity')
}

/**
 * Answers an `Expect` header other than `100-continue`, which node would answer with an empty 417.
 */
export function answerExpectation(
  request: IncomingMessage,
  response: ServerResponse,
  limits: DiscardLimits,
): void {
  const error = new GridError('invalid_header', 'Expect: allowed is 100-continue')
  const body = Buffer.from(JSON.stringify(problemOf(error, 417)))
  response.writeHead(417, { 'content-type': problemType, 'content-length': body.length })
  answerEarly(request, response, limits, body)
}

/** HTTP/1.1 wants to know which of its names a server was called by. */
export function hostFault(request: IncomingMessage): GridError | undefined {
  const { host } = request.headers
  if (host === undefined)
    return request.httpVersion === '1.1'
      ? new GridError('invalid_header', 'Host: must be given')
      : undefined
  return host.includes(',') ? new GridError('invalid_header', 'Host: allowed is one') : undefined
}

/** A whole response, for what never became a request. */
export function problemResponse(status: number, error: GridError): string {
  const problem = problemOf(error, status)
  const body = JSON.stringify(problem)
  return [
    `HTTP/1.1 ${status} ${problem.title}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 405 ? ['Allow: GET, HEAD, POST, OPTIONS'] : []),
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

/**
 * Node hands out the connection of such a request, or drops it with all that is in flight on it.
 */
export const connectRefused: [status: number, error: GridError] = [
  405,
  new GridError('unknown_route', 'CONNECT is not served here'),
]

/** What node's HTTP parser found wrong with bytes that never became a request. */
export function parserFault(code: unknown): [status: number, error: GridError] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, new GridError('request_timeout', 'The request did not arrive in time')]
    case 'HPE_HEADER_OVERFLOW':
      return [431, new GridError('invalid_header', 'URL and headers are too long')]
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, new GridError('body_too_large', 'The chunk extensions are too long')]
    default:
      return [400, new GridError('invalid_header', 'The request is not valid HTTP/1.1')]
  }
}
