import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GridError } from '../errors.ts'
import { problemOf, problemType, retryAfterSeconds } from './problem.ts'

/** Answers with an error's problem document. */
export function sendProblem(
  reply: FastifyReply,
  error: GridError,
  status: number = error.status,
): FastifyReply {
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  // As bytes: to a text fastify would add a charset, a parameter that problem documents do not have.
  return reply
    .code(status)
    .header('content-type', problemType)
    .send(Buffer.from(JSON.stringify(problemOf(error, status))))
}

/**
 * Tells what fastify found wrong with a request in the grid's words; undefined when the fault is not the request's.
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
      return unsupported(request.raw.headers['content-type'])
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GridError('invalid_header', 'Content-Length: not the length of the body')
  }
  const { statusCode } = error
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new GridError('invalid_json', 'The body could not be read to its end')
  return undefined
}

function unsupported(contentType: string | undefined): GridError {
  const met = contentType === undefined ? 'none' : JSON.stringify(contentType.slice(0, 100))
  return new GridError(
    'unsupported_media_type',
    `Content-Type must be application/json, met ${met}`,
  )
}

/** A compressed body cannot be read: refused by name instead of as broken JSON. */
export function checkContentEncoding(request: FastifyRequest): void {
  const encoding = request.raw.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new GridError('unsupported_media_type', 'Content-Encoding must be identity')
}

/** Answers an `Expect` header other than `100-continue`, which node would answer with an empty 417. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const error = new GridError('invalid_header', 'Expect: allowed is 100-continue')
  const body = Buffer.from(JSON.stringify(problemOf(error, 417)))
  const headers = {
    'content-type': problemType,
    'content-length': body.length,
    connection: 'close',
  }
  response.writeHead(417, headers).end(body)
}

/** What node's HTTP parser found wrong with bytes that never became a request, as a whole response. */
export function parserFaultResponse(fault: { readonly code?: unknown }): string {
  const [status, error] = parserFault(fault.code)
  const body = JSON.stringify(problemOf(error, status))
  return [
    `HTTP/1.1 ${status} ${problemOf(error, status).title}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

function parserFault(code: unknown): [status: number, error: GridError] {
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
