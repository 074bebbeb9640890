import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyFiles } from '../keys/key-files.ts'
import { askOverTcp } from './ask-over-tcp.ts'
import { LocalServer, type StartOptions } from './local-server.ts'
import type { ServerKind } from './server-kind.ts'

/** redis-server that keeps nothing on disk: the warm image is rebuilt, never trusted. */
export function startRedisServer(start: StartOptions, keys?: string): Promise<LocalServer> {
  return LocalServer.start(redisServerKind(keys), start)
}

/** @param keys folder of `npx spacegrid keys`: TLS, and a password. Default none */
export function redisServerKind(keys?: string): ServerKind {
  return {
    name: 'redis',
    customaryPort: 6379,
    url: (port) =>
      keys === undefined ? `redis://127.0.0.1:${port}` : closedRedisUrl(keys, `127.0.0.1:${port}`),
    async prepare(folder, port) {
      await mkdir(folder, { recursive: true })
      return [
        ...['--bind', '127.0.0.1', '--port', String(keys === undefined ? port : 0)],
        ...['--dir', folder, '--save', '', '--appendonly', 'no'],
        ...(keys === undefined ? [] : closedArguments(keys, port)),
      ]
    },
    async isServing(port) {
      if (keys === undefined) return (await askOverTcp(port, 'PING\r\n')) === '+PONG'
      const ca = await readFile(join(keys, keyFiles.authority), 'utf8')
      // It says that it wants a password.
      return (await askOverTcp(port, 'PING\r\n', ca)).startsWith('-NOAUTH')
    },
  }
}

/** The password is in a file: a command line is for everybody to read. */
function closedArguments(keys: string, port: number): string[] {
  const certificate = join(keys, keyFiles.certificate('redis'))
  return [
    ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certificate, '--tls-key-file', certificate],
    ...['--tls-ca-cert-file', join(keys, keyFiles.authority)],
    ...['--aclfile', join(keys, keyFiles.redisUsers)],
  ]
}

/**
 * How a role reaches a Redis that is closed: the URL names the files of its password and of who has
 * signed the server's certificate, and holds no secret.
 */
export function closedRedisUrl(keys: string, host: string): string {
  const files = new URLSearchParams({
    passwordFile: join(keys, keyFiles.redisPassword),
    tlsCAFile: join(keys, keyFiles.authority),
  })
  return `rediss://${host}?${files.toString().replaceAll('+', '%20')}`
}
