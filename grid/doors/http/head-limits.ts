import type { IncomingMessage } from 'node:http'
import { GridError } from '../../core/errors.ts'

/** What may stand before a body; together it has 16 KiB (Node's own limit). */
export interface HeadLimits {
  /** Characters of a URL. */
  readonly urlLengthMax: number
  /** Lines of headers. */
  readonly headersMax: number
}

/** Of what there is too much, and the status that says so; undefined: of nothing. */
export function excessOf(
  { url = '', rawHeaders }: IncomingMessage,
  { urlLengthMax, headersMax }: HeadLimits,
): [error: GridError, status: number] | undefined {
  if (url.length > urlLengthMax)
    return [
      new GridError('url_too_long', `The URL may have at most ${urlLengthMax} characters`),
      414,
    ]
  // Names and values stand one after the other.
  if (rawHeaders.length > headersMax * 2)
    return [
      new GridError('invalid_header', `A request may have at most ${headersMax} headers`),
      431,
    ]
  return undefined
}
