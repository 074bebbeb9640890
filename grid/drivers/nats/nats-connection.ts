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
import { type NatsAddress, natsAddressOf } from './nats-address.ts'

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
  /** Where answers come in that nobody else may listen to; undefined: the driver's own. */
  readonly inboxPrefix: string | undefined
  /** Told of a subject on which the server has not let this connection publish. */
  whenDenied: (subject: string) => void = () => undefined
  #connected = true
  #watchers = new Set<ConnectionWatcher>()

  /**
   * `natsUrl` is a comma-separated list such as `nats://user:password@one:4222,two:4222`, or
   * `tls://one:4222?tlsCAFile=ca.pem&nkeyFile=unit.nk`. Throws `log_unavailable` when no server
   * could be reached in time, `configuration_invalid` when waiting cannot help: an unusable URL,
   * wrong credentials, a certificate that is not trusted.
   */
  static async open(natsUrl: string, options: NatsConnectionOptions): Promise<NatsConnection> {
    const address = natsAddressOf(natsUrl)
    const driverOptions = driverOptionsOf(address, options.name)
    const deadline = performance.now() + (options.connectTimeoutMs ?? 10_000)
    for (;;) {
      try {
        return new NatsConnection(await connect(driverOptions), address.inboxPrefix)
      } catch (cause) {
        // The driver could wait by itself (waitOnFirstConnect), but then nobody could make it stop.
        if (isRefusedForGood(cause)) {
          throw new GridError('configuration_invalid', 'NATS refuses the credentials', { cause })
        }
        const fault = certificateFault(cause)
        if (fault !== undefined)
          throw new GridError(
            'configuration_invalid',
            `There is no trust between us and NATS at ${address.servers}: ${fault} (NATS_URL may name the authority: tls://host:port?tlsCAFile=ca.pem)`,
            { cause },
          )
        if (performance.now() + reconnectWaitMs >= deadline) {
          const { servers } = address
          throw new GridError('log_unavailable', `No NATS server answers at ${servers}`, { cause })
        }
      }
      await delay(reconnectWaitMs + Math.random() * reconnectJitterMs)
    }
  }

  private constructor(driver: DriverConnection, inboxPrefix: string | undefined) {
    this.driver = driver
    this.inboxPrefix = inboxPrefix
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

const certificateFaults =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/

/** What is wrong with a certificate, the server's or ours; undefined: something else is. */
function certificateFault(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = chained(cause)) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (certificateFaults.test(code)) return cause.message
  }
  return undefined
}

const chained = (error: Error): unknown =>
  error.cause ?? (error as { readonly chainedError?: unknown }).chainedError

function driverOptionsOf(address: NatsAddress, name: string): ConnectionOptions {
  const { servers, tls, credentials, inboxPrefix } = address
  return {
    servers: [...servers],
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
    ...(tls ? { tls } : {}),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...credentials,
  }
}
