import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Whether nobody listens on this port of the loopback address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/**
 * Below those that systems give to outgoing connections, which could take a server's port while it
 * restarts.
 */
const firstPort = 15_000
const ports = 15_000
const attempts = 50

/**
 * A port that was free a moment ago. Another process may take it before it is used: whoever starts
 * a server on it tries again with another one.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = firstPort + randomInt(ports)
    if (await isPortFree(port)) return port
  }
  throw new Error(`No free port on 127.0.0.1 was found in ${attempts} attempts`)
}
