import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A stand-in for a processing unit, as far as a gateway can tell: `node stand-in-unit.ts NAME HOST
 * PORT ADMIN_PORT`. It says on standard output when it listens, and answers:
 *
 * - `GET /where` its name, `?ms=` later
 * - `/ticketing/commands/drop` nothing: it closes the connection, `?ms=` later, when its name
 *   begins with `dropping`
 * - any command 503 when its name begins with `overloaded`
 * - `/ticketing/events`, and whoever accepts `text/event-stream`, an event stream with one event at
 *   once and another each `?every=` ms
 * - an upgrade request with an echo
 * - on the administration port `/health/ready`; `POST /unready` and `POST /ready` change it;
 *   `/open` says how many requests it is about to answer
 */
const [name = '', host = '', port = '', adminPort = ''] = process.argv.slice(2)

let ready = true
let open = 0

const server = createServer((request, response) => void respond(request, response))

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://unit')
  for await (const _ of request) {
    // The body is of no interest, but has to be read.
  }
  const isStream = request.headers.accept === 'text/event-stream'
  if (url.pathname === '/ticketing/events' || isStream)
    return stream(response, Number(url.searchParams.get('every')))
  open++
  await sleep(Number(url.searchParams.get('ms')))
  open--
  if (url.pathname.endsWith('/drop') && name.startsWith('dropping')) {
    response.destroy()
    return
  }
  const overloaded = request.method === 'POST' && name.startsWith('overloaded')
  response.writeHead(overloaded ? 503 : 200, { 'content-type': 'application/json' })
  const forwardedFor = request.headers['x-forwarded-for']
  response.end(JSON.stringify(overloaded ? { code: 'overloaded' } : { unit: name, forwardedFor }))
}

function stream(response: ServerResponse, everyMs: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`data: ${name}\n\n`)
  if (everyMs === 0) return
  const timer = setInterval(() => response.write('data: again\n\n'), everyMs)
  response.on('close', () => clearInterval(timer))
}

/** What proves to the client that the server speaks WebSocket (RFC 6455, section 1.3). */
const webSocketSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] ?? ''
  const answer = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${createHash('sha1')
      .update(key + webSocketSuffix)
      .digest('base64')}`,
  ]
  socket.write(`${answer.join('\r\n')}\r\n\r\n`)
  socket.pipe(socket)
  socket.on('error', () => socket.destroy())
})

const administration = createServer((request, response) => {
  if (request.url === '/ready' || request.url === '/unready') ready = request.url === '/ready'
  if (request.url === '/open') return response.end(String(open))
  return response.writeHead(ready || request.method === 'POST' ? 200 : 503).end()
})

await new Promise<void>((resolve) => server.listen(Number(port), host, resolve))
await new Promise<void>((resolve) => administration.listen(Number(adminPort), host, resolve))
process.stdout.write('listening\n')
