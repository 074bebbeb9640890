import { mkdir } from 'node:fs/promises'
import { askOverTcp } from './ask-over-tcp.ts'
import { LocalServer, type StartOptions } from './local-server.ts'
import type { ServerKind } from './server-kind.ts'

/** redis-server that keeps nothing on disk: the warm image is rebuilt, never trusted. */
export function startRedisServer(start: StartOptions): Promise<LocalServer> {
  return LocalServer.start(redisServerKind(), start)
}

export function redisServerKind(): ServerKind {
  return {
    name: 'redis',
    customaryPort: 6379,
    url: (port) => `redis://127.0.0.1:${port}`,
    async prepare(folder, port) {
      await mkdir(folder, { recursive: true })
      return [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
        ...['--save', '', '--appendonly', 'no'],
      ]
    },
    async isServing(port) {
      return (await askOverTcp(port, 'PING\r\n')) === '+PONG'
    },
  }
}
