import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type DiscardLimits, endDiscarding } from './discard.ts'

export interface BrokenRequestLimits extends DiscardLimits {
  /** Longest wait for the answers to what came before on the connection, ms. */
  readonly answerMs: number
}

/** What node keeps of a connection and does not declare. */
interface HttpSocket extends Socket {
  /** The response whose turn it is; those behind it follow by themselves. */
  readonly _httpMessage?: ServerResponse | null
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null
}

/** Connections on which a request was broken: they take no other. */
const broken = new WeakSet<Socket>()

/**
 * Answers bytes that are no request, and ends their connection. Requests that came before on it may
 * have been carried out, so their answers go first, in order, however long they take (within
 * `answerMs`): the caller, who counts answers, would else take the refusal of what came last for
 * the answer to an earlier command.
 *
 * @param refusal the whole response
 */
export function refuseBrokenRequest(
  socket: Socket,
  refusal: string,
  limits: BrokenRequestLimits,
): void {
  if (broken.has(socket)) return
  broken.add(socket)
  const http: HttpSocket = socket
  const incoming = http.parser?.incoming
  // The caller may be gone before the answer is.
  socket.on('error', () => {})
  discardFrom(socket, limits.discardBytesMax)
  const timer = setTimeout(() => socket.destroy(), limits.answerMs)
  socket.once('close', () => clearTimeout(timer))
  const half = incoming && !incoming.complete ? incoming : undefined
  void lastAnswer(http, half).then((last) => {
    clearTimeout(timer)
    if (!socket.writable) return
    // A second answer to one request would be taken for the answer to the next.
    endDiscarding(socket, limits, last === 'of the broken request' ? '' : refusal)
  })
}

/**
 * Waits until all answers that are open are written.
 * @param half the broken request, when it got as far as its headers: it has a response of its own,
 * which may have been used before
 */
async function lastAnswer(
  socket: HttpSocket,
  half: IncomingMessage | undefined,
): Promise<'of another request' | 'of the broken request'> {
  for (;;) {
    const response = socket._httpMessage
    if (!response) return half ? 'of the broken request' : 'of another request'
    if (response.req === half) {
      // Nothing has been done for a request whose body never came to its end, and nothing will be.
      if (!response.headersSent) return 'of another request'
      // Its answer may wait for the rest of its body: there is none.
      half.push(null)
    }
    await new Promise((resolve) => response.once('close', resolve))
  }
}

/**
 * Takes the connection from node's parser, which would find a fault in each of the chunks that
 * follow.
 */
function discardFrom(socket: Socket, bytesMax: number): void {
  let left = bytesMax
  socket.removeAllListeners('data')
  socket.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left < 0) socket.pause()
  })
}
