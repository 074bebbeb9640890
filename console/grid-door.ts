import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'

const openMax = 512
const silenceMsMax = 60_000

/** Of this connection alone, or none of the grid's business. */
const keptBack = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'origin',
  'cookie',
  'x-console-token',
  'expect',
])

/**
 * The way from the console's pages to the grid's public door, so that they need no other origin
 * than their own: nobody has to let them in (`CORS_ORIGINS`), and browsers need not reach the grid.
 * What is asked goes there as it is, without what the console knows its viewers by.
 */
export class GridDoor {
  readonly #url: URL
  readonly #own: Readonly<Record<string, string>>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: openMax })
  #open = 0

  /**
   * @param url of a unit or the gateway
   * @param own headers of the console's, in lower case, for what its viewers do not say themselves
   */
  constructor(url: URL, own: Readonly<Record<string, string>> = {}) {
    this.#url = url
    this.#own = own
  }

  pass(request: IncomingMessage, response: ServerResponse, path: string) {
    if (this.#open >= openMax) return refuse(response, 503, 'Too many requests are open here')
    this.#open++
    response.once('close', () => void this.#open--)
    const isSecure = this.#url.protocol === 'https:'
    const prefix = this.#url.pathname.replace(/\/$/, '')
    const passed = (isSecure ? httpsRequest : httpRequest)(
      new URL(prefix + path, this.#url),
      {
        method: request.method,
        headers: { ...this.#own, ...withoutOwn(request.headers), ...forwarded(request) },
        timeout: silenceMsMax,
        ...(isSecure ? {} : { agent: this.#agent }),
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, withoutOwn(answer.headers))
        answer.pipe(response)
        answer.once('error', () => response.destroy())
      },
    )
    passed.once('timeout', () => passed.destroy(new Error('it says nothing')))
    passed.once('error', (error) => {
      if (response.headersSent) response.destroy()
      else
        refuse(response, 502, `The grid at ${this.#url.origin} cannot be reached: ${error.message}`)
    })
    response.once('close', () => passed.destroy())
    request.pipe(passed)
  }

  close(): void {
    this.#agent.destroy()
  }
}

const withoutOwn = (headers: IncomingMessage['headers']) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !keptBack.has(name)))

/** The grid tells callers apart where it trusts who says where they come from. */
function forwarded({ headers, socket }: IncomingMessage): Readonly<Record<string, string>> {
  const before = headers['x-forwarded-for']
  const from = socket.remoteAddress ?? ''
  return { 'x-forwarded-for': before === undefined ? from : `${[before].flat().join()}, ${from}` }
}

/** As the grid itself refuses, so that its client knows what to do: try again. */
function refuse(response: ServerResponse, status: number, detail: string): void {
  const code = status === 503 ? 'overloaded' : 'no_responder'
  response
    .writeHead(status, { 'content-type': 'application/problem+json', 'retry-after': '1' })
    .end(JSON.stringify({ type: 'about:blank', title: 'Unavailable', status, code, detail }))
}
