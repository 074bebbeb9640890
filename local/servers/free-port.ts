import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether nobody listens on this port of the loopback address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    // A client that still looks for the server that was here must not keep this one open.
    server.on('connection', (socket) => socket.destroy())
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/** A killed process is gone from the process table before the kernel has released its port. */
export async function becomesFree(port: number, withinMs = 3_000): Promise<boolean> {
  const until = performance.now() + withinMs
  while (!(await isPortFree(port))) {
    if (performance.now() >= until) return false
    await sleep(20)
  }
  return true
}

/**
 * Below those that systems give to outgoing connections, which could take a server's port while it
 * restarts.
 */
const firstPort = 15_000
const ports = 15_000
const attempts = 50
/** Ports given by this process: of those that are not used yet none is given again. */
const given = new Set<number>()

/**
 * A port that was free a moment ago. Another process may take it before it is used: whoever starts
 * a server on it tries again with another one.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = firstPort + randomInt(ports)
    if (given.has(port) || !(await isPortFree(port))) continue
    given.add(port)
    return port
  }
  throw new Error(`No free port on 127.0.0.1 was found in ${attempts} attempts`)
}
