import type { JetStreamManager } from 'nats'
import { CatchUpTurns } from './catch-up-turns.ts'
import { NatsConnection, type NatsConnectionOptions } from './nats-connection.ts'

/** A connection, and what JetStream is asked over it. */
export interface ManagedConnection {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
}

export interface LogConnectionsOptions {
  /** In the server's list of connections; ` publish` and ` tail` are added. */
  readonly name: string
  /** How long opening may take, in ms. Default 10,000. */
  readonly openTimeoutMs?: number
  /** For everything that is asked of the server beside appends, in ms. Default 5,000. */
  readonly requestTimeoutMs?: number
}

/** What a tail asks the server is repeated anyway, so it does not wait long for an answer. */
const tailRequestTimeoutMs = 2000
export const requestTimeoutDefaultMs = 5000

/**
 * Where logs are published to and tailed from. Each has a connection of its own: a tail that
 * catches up fills its connection with megabytes, and an acknowledgement behind them would wait.
 */
export class LogConnections {
  readonly publishing: ManagedConnection
  readonly tailing: ManagedConnection
  readonly turns = new CatchUpTurns()

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(natsUrl: string, options: LogConnectionsOptions): Promise<LogConnections> {
    const { name, requestTimeoutMs = requestTimeoutDefaultMs } = options
    const deadline = performance.now() + (options.openTimeoutMs ?? 10_000)
    const remainingMs = () => Math.max(0, deadline - performance.now())
    const publishing = await connectManaged(natsUrl, {
      name: `${name} publish`,
      connectTimeoutMs: remainingMs(),
      requestTimeoutMs,
    })
    try {
      const tailing = await connectManaged(natsUrl, {
        name: `${name} tail`,
        connectTimeoutMs: remainingMs(),
        requestTimeoutMs: tailRequestTimeoutMs,
      })
      return new LogConnections(publishing, tailing)
    } catch (error) {
      await publishing.connection.close()
      throw error
    }
  }

  private constructor(publishing: ManagedConnection, tailing: ManagedConnection) {
    this.publishing = publishing
    this.tailing = tailing
  }

  async close(): Promise<void> {
    await Promise.all([this.publishing.connection.close(), this.tailing.connection.close()])
  }
}

async function connectManaged(
  natsUrl: string,
  options: NatsConnectionOptions & { readonly requestTimeoutMs: number },
): Promise<ManagedConnection> {
  const connection = await NatsConnection.open(natsUrl, options)
  const timeout = options.requestTimeoutMs
  return {
    connection,
    manager: await connection.driver.jetstreamManager({ timeout, checkAPI: false }),
  }
}
