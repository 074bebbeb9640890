import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyFiles } from '../keys/key-files.ts'
import { askOverTcp } from './ask-over-tcp.ts'
import { LocalServer, type StartOptions } from './local-server.ts'
import type { ServerKind } from './server-kind.ts'

export interface NatsServerOptions {
  /** Bytes of the largest message; 1 MB by default, as the server has it. */
  maxPayloadBytes?: number
  /**
   * Bytes that JetStream may keep on disk; what the server finds fit (three quarters of the disk)
   * by default.
   */
  maxStoreBytes?: number
  /**
   * `always` (default) syncs before it acknowledges; else a duration such as `2m`, the server's own
   * default.
   */
  syncInterval?: string
  /** HTTP port for monitoring; 0 (default) for none. */
  monitorPort?: number
  /** One of a cluster, whose members all have another name; by default it is alone. */
  cluster?: NatsClusterMember
  /** Those who may connect, and nobody else; by default everybody may do everything. */
  users?: readonly NatsUser[]
  /**
   * Folder of `npx spacegrid keys`: TLS, and those who have a key of it. By default none.
   */
  keys?: string
}

export interface NatsUser {
  name: string
  password: string
  /** Subjects on which it may not publish; `*` and `>` as NATS has them. */
  deniedPublish?: readonly string[]
}

export interface NatsClusterMember {
  /** The member's own name. */
  serverName: string
  /** Where the other members reach it. */
  port: number
  /** Ports of all members for each other. */
  routes: readonly number[]
}

/** nats-server with JetStream: an acknowledged message is on the disk. */
export function startNatsServer(
  start: StartOptions,
  options: NatsServerOptions = {},
): Promise<LocalServer> {
  return LocalServer.start(natsServerKind(options), start)
}

export function natsServerKind(options: NatsServerOptions = {}): ServerKind {
  return {
    name: 'nats',
    customaryPort: 4222,
    url: (port) =>
      options.keys === undefined
        ? `nats://127.0.0.1:${port}`
        : closedNatsUrl(options.keys, 'operator', `127.0.0.1:${port}`),
    async prepare(folder, port) {
      const store = join(folder, 'jetstream')
      await mkdir(store, { recursive: true })
      const file = join(folder, 'nats-server.conf')
      const { keys } = options
      const closed = keys === undefined ? '' : await closedLines(keys)
      await writeFile(file, configuration(store, port, options) + closed)
      return ['--config', file]
    },
    async isServing(port) {
      // The server introduces itself as soon as it accepts clients, which it does only once
      // JetStream has recovered.
      const greeting = await askOverTcp(port, '')
      return greeting.startsWith('INFO ') && greeting.includes('"jetstream":true')
    },
  }
}

/**
 * How a role reaches a NATS that is closed: the URL names the files of its key and of who has
 * signed the server's certificate, and holds no secret.
 * @param keys the folder
 * @param name of whoever has the key
 */
export function closedNatsUrl(keys: string, name: string, host: string): string {
  const files = new URLSearchParams({
    nkeyFile: join(keys, keyFiles.nkey(name)),
    tlsCAFile: join(keys, keyFiles.authority),
  })
  return `tls://${host}?${files}`
}

async function closedLines(keys: string): Promise<string> {
  const certificate = JSON.stringify(join(keys, keyFiles.certificate('nats')))
  const users = await readFile(join(keys, keyFiles.natsUsers), 'utf8')
  return `tls { cert_file: ${certificate}, key_file: ${certificate} }\n${users}`
}

function configuration(store: string, port: number, options: NatsServerOptions): string {
  const { maxPayloadBytes = 1024 * 1024, maxStoreBytes, syncInterval = 'always' } = options
  const { monitorPort = 0, cluster, users } = options
  const lines = [
    `server_name: ${cluster?.serverName ?? 'spacegrid_local'}`,
    `listen: "127.0.0.1:${port}"`,
    `max_payload: ${maxPayloadBytes}`,
    // A client that is frozen keeps its subscriptions, and with them its share of the requests,
    // until it has left two pings unanswered; by default that takes minutes.
    'ping_interval: 2s',
    'ping_max: 2',
    ...(monitorPort === 0 ? [] : [`http: "127.0.0.1:${monitorPort}"`]),
    'jetstream {',
    `  store_dir: ${JSON.stringify(store)}`,
    `  sync_interval: ${syncInterval}`,
    ...(maxStoreBytes === undefined ? [] : [`  max_file_store: ${maxStoreBytes}`]),
    '}',
    ...(cluster === undefined ? [] : clusterLines(cluster)),
    // JSON is a form of the server's own format.
    ...(users === undefined
      ? []
      : [`authorization ${JSON.stringify({ users: users.map(userOf) })}`]),
  ]
  return `${lines.join('\n')}\n`
}

const userOf = ({ name, password, deniedPublish = [] }: NatsUser) => ({
  ...{ user: name, password },
  ...(deniedPublish.length === 0 ? {} : { permissions: { publish: { deny: deniedPublish } } }),
})

function clusterLines({ port, routes }: NatsClusterMember): string[] {
  const urls = routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ')
  return [
    'cluster {',
    '  name: spacegrid_local',
    `  listen: "127.0.0.1:${port}"`,
    `  routes: [${urls}]`,
    // Clients know every member already; what a member tells them of the others may be a paused
    // one.
    '  no_advertise: true',
    '}',
  ]
}
