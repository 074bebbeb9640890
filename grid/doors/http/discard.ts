import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * How much of what nobody will use is read all the same. A socket that is closed with bytes unread
 * is reset, and a reset overtakes the answer: the caller, still sending, sees a broken pipe in
 * place of what was wrong.
 */
export interface DiscardLimits {
  /** Bytes read and thrown away before a connection is cut. Default 64 MiB. */
  readonly discardBytesMax: number
  /** Time for that, ms. Default 5,000. */
  readonly discardMs: number
}

export const discardDefaults = {
  discardBytesMax: 64 * 1024 * 1024,
  discardMs: 5000,
} satisfies DiscardLimits

/**
 * Answers a request whose body may still be arriving. The caller has the whole answer at once; the
 * rest of the body is read and thrown away within the limits, and the next request of the
 * connection follows it. Past the limits the connection is cut.
 */
export function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  limits: DiscardLimits,
  body: Buffer,
): void {
  if (request.complete) {
    response.end(body)
    return
  }
  // Held open until the body is through: what is pipelined behind it must not overtake.
  response.write(body)
  let left = limits.discardBytesMax
  const cut = () => whenItsTurn(response, (socket) => response.end(() => socket.destroySoon()))
  let timer: NodeJS.Timeout | undefined
  whenItsTurn(response, () => {
    timer = setTimeout(cut, limits.discardMs)
  })
  request.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left >= 0) return
    request.pause()
    cut()
  })
  request.once('end', () => response.end())
  response.once('close', () => clearTimeout(timer))
  request.resume()
}

/** Answers to requests that came before on the same connection go first. */
export function whenItsTurn(response: ServerResponse, then: (socket: Socket) => void): void {
  if (response.socket) then(response.socket)
  else response.once('socket', then)
}

/**
 * Ends a connection: what has been written is sent, and what still arrives is thrown away until the
 * caller has ended, too, or the limits.
 */
export function endDiscarding(socket: Socket, limits: DiscardLimits, last: string): void {
  const timer = setTimeout(() => socket.destroy(), limits.discardMs)
  socket.once('close', () => clearTimeout(timer))
  socket.end(last)
}
