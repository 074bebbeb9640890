import { setTimeout as delay } from 'node:timers/promises'
import {
  type ConnectionOptions,
  connect,
  DebugEvents,
  type NatsConnection as DriverConnection,
  ErrorCode,
  Events,
  NatsError,
} from 'nats'
import { GridError } from '../../core/errors.ts'
import './mended-transport.ts'

const reconnectWaitMs = 200
const reconnectJitterMs = 200
/** One attempt to reach one server: TCP, TLS and the NATS handshake together. */
const dialTimeoutMs = 3000
/** With two pings unanswered, a frozen or cut-off server is left after 6 s. */
const pingIntervalMs = 2000
const pingsUnansweredMax = 2

export interface NatsConnectionOptions {
  /** Shown in the server's list of connections: says whose it is and what for. */
  readonly name: string
  /** How long the first connection may take, in ms. Default 10,000; 0: one attempt only. */
  readonly connectTimeoutMs?: number
}

export type ConnectionWatcher = (connected: boolean) => void

/**
 * One connection that, once it has been open, never gives up: it reconnects for as long as it
 * takes, to whichever of the servers answers. Whoever uses it asks `connected`, or watches, and
 * must expect that everything under way when a connection ends is lost without notice.
 */
export class NatsConnection {
  readonly driver: DriverConnection
  /** Told of a subject on which the server has not let this connection publish. */
  whenDenied: (subject: string) => void = () => undefined
  #connected = true
  #watchers = new Set<ConnectionWatcher>()

  /**
   * `natsUrl` is a comma-separated list such as `nats://user:password@one:4222,two:4222`. Throws
   * `log_unavailable` when no server could be reached in time, `configuration_invalid` when waiting
   * cannot help: an unusable URL, wrong credentials.
   */
  static async open(natsUrl: string, options: NatsConnectionOptions): Promise<NatsConnection> {
    const driverOptions = driverOptionsOf(natsUrl, options.name)
    const deadline = performance.now() + (options.connectTimeoutMs ?? 10_000)
    for (;;) {
      try {
        return new NatsConnection(await connect(driverOptions))
      } catch (cause) {
        // The driver could wait by itself (waitOnFirstConnect), but then nobody could make it stop.
        if (isRefusedForGood(cause)) {
          throw new GridError('configuration_invalid', 'NATS refuses the credentials', { cause })
        }
        if (performance.now() + reconnectWaitMs >= deadline) {
          const servers = driverOptions.servers
          throw new GridError('log_unavailable', `No NATS server answers at ${servers}`, { cause })
        }
      }
      await delay(reconnectWaitMs + Math.random() * reconnectJitterMs)
    }
  }

  private constructor(driver: DriverConnection) {
    this.driver = driver
    void this.#followStatus()
  }

  get connected(): boolean {
    return this.#connected
  }

  /** Told of every change from now on. Returns what ends it. */
  watch(watcher: ConnectionWatcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  async close(): Promise<void> {
    await this.driver.close()
    this.#change(false)
    this.#watchers.clear()
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.driver.status()) {
      if (status.type === Events.Disconnect) this.#change(false)
      else if (status.type === Events.Reconnect) this.#change(true)
      else if (status.type === DebugEvents.StaleConnection) destroySocket(this.driver)
      else if (status.permissionContext?.operation === 'publish')
        this.whenDenied(status.permissionContext.subject)
    }
    this.#change(false)
  }

  #change(connected: boolean): void {
    if (connected === this.#connected) return
    this.#connected = connected
    for (const watcher of [...this.#watchers]) watcher(connected)
  }
}

/**
 * The driver leaves a server that answers no pings by flushing the socket first. Towards a frozen
 * host that flush never ends once the send buffer is full, and the driver would hang there for as
 * long as the kernel retransmits (a quarter of an hour). It has no public way to drop a socket,
 * hence the reach inside; a test holds it.
 */
function destroySocket(driver: DriverConnection): void {
  const inside = driver as unknown as {
    readonly protocol?: { readonly transport?: { readonly socket?: { destroy(): void } } }
  }
  inside.protocol?.transport?.socket?.destroy()
}

const isRefusedForGood = (error: unknown): boolean =>
  error instanceof NatsError &&
  (error.code === ErrorCode.AuthorizationViolation || error.code === ErrorCode.BadAuthentication)

function driverOptionsOf(natsUrl: string, name: string): ConnectionOptions & { servers: string[] } {
  const urls = natsUrl
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseServer)
  if (urls.length === 0) throw new GridError('configuration_invalid', 'NATS_URL names no server')
  const credentials = urls.find((url) => url.username !== '')
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || '4222'}`),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectWaitMs,
    reconnectJitter: reconnectJitterMs,
    timeout: dialTimeoutMs,
    pingInterval: pingIntervalMs,
    maxPingOut: pingsUnansweredMax,
    // Otherwise a second refusal while reconnecting (credentials being rotated) would close the
    // connection for good.
    ignoreAuthErrorAbort: true,
    // Otherwise every request records a stack trace in case it fails, which costs more than the
    // request.
    noAsyncTraces: true,
    ...(urls.some((url) => url.protocol === 'tls:') ? { tls: {} } : {}),
    ...credentialOptionsOf(credentials),
  }
}

function credentialOptionsOf(
  url: URL | undefined,
): Pick<ConnectionOptions, 'token' | 'user' | 'pass'> {
  if (url === undefined) return {}
  const user = decodeURIComponent(url.username)
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) }
}

function parseServer(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url === null || url.hostname === '' || !['nats:', 'tls:'].includes(url.protocol)) {
    // The text itself stays out of the message: it may hold a password.
    throw new GridError('configuration_invalid', 'NATS_URL must be nats://host:port, … or tls://…')
  }
  return url
}
