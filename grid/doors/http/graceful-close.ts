import { Server as NetServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Door, traceReply } from './exchange.ts'

/** Longest time in which connections that wait to be accepted still are, ms. */
const acceptMsMax = 1000
/** Time in which the first request of an accepted connection is read, ms. */
const readMs = 500

/** The event loop accepts one connection a turn: turns until one has brought none. */
async function acceptWaiting(server: FastifyInstance['server']): Promise<void> {
  let accepted = 0
  const count = () => accepted++
  server.on('connection', count)
  const until = performance.now() + acceptMsMax
  for (let before = -1; accepted > before && performance.now() < until; ) {
    before = accepted
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  server.off('connection', count)
}

/**
 * Once closing has begun, every answer ends its connection; a connection that gets none within the
 * grace is cut. Otherwise one idle or half-dead client could hold the process for as long as it
 * likes.
 */
export function closeGracefully(app: FastifyInstance, door: Door, graceMs: number): void {
  app.addHook('preClose', async () => {
    door.closing = true
    door.streams.close()
    if (!app.server.listening) return
    // Connections that wait to be accepted would be reset with the socket, and units that share the
    // port cannot take them over.
    await acceptWaiting(app.server)
    // Not the HTTP server's own close: it would cut connections whose request has not been read
    // yet.
    const ended = new Promise((resolve) => NetServer.prototype.close.call(app.server, resolve))
    const idle = setTimeout(() => app.server.closeIdleConnections(), readMs)
    const cut = setTimeout(() => app.server.closeAllConnections(), graceMs)
    await ended
    clearTimeout(idle)
    clearTimeout(cut)
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    traceReply(reply)
    if (door.closing) reply.header('connection', 'close')
    done()
  })
}
