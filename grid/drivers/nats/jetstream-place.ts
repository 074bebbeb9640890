import type { JetStreamManager, StreamInfo } from 'nats'
import { GridError, isGridError } from '../../core/errors.ts'
import type { Log, LogBounds } from '../../engine/ports/log.ts'
import type { LogPlace } from '../../engine/ports/log-place.ts'
import { JetStreamLog } from './jetstream-log.ts'
import { boundsOf, configOf, notEnoughStorage, type StreamSettings } from './jetstream-stream.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'
import { NatsConnection } from './nats-connection.ts'

const requestTimeoutMs = 5000
/**
 * A component that starts creates a stream that it does not find, also in the moment between two
 * steps of ours.
 */
const attemptsMax = 3

export interface JetStreamPlaceOptions extends StreamSettings {
  /** Name of the connection in the server's list. */
  readonly name: string
}

/**
 * The place of a log that is a JetStream stream. An existing stream's size and replicas, which are
 * an operator's choice, are kept by its successor.
 */
export class JetStreamPlace implements LogPlace {
  readonly #url: string
  readonly #options: JetStreamPlaceOptions
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(natsUrl: string, options: JetStreamPlaceOptions): Promise<JetStreamPlace> {
    const connection = await NatsConnection.open(natsUrl, { name: options.name })
    const settings = { timeout: requestTimeoutMs, checkAPI: false }
    const manager = await connection.driver.jetstreamManager(settings)
    return new JetStreamPlace(natsUrl, options, connection, manager)
  }

  private constructor(
    url: string,
    options: JetStreamPlaceOptions,
    connection: NatsConnection,
    manager: JetStreamManager,
  ) {
    this.#url = url
    this.#options = options
    this.#connection = connection
    this.#manager = manager
  }

  async look(): Promise<LogBounds | undefined> {
    const info = await this.#info()
    return info && boundsOf(info)
  }

  async open(): Promise<Log> {
    return await JetStreamLog.open(this.#url, this.#options)
  }

  async replace(found: LogBounds | undefined, after: number): Promise<LogBounds> {
    const { stream } = this.#options
    let info = await this.#info()
    const present = info && boundsOf(info)
    if (present?.identity !== found?.identity || present?.last !== found?.last)
      throw new GridError('fenced', `Stream ${stream} has changed since it was looked at`)
    const kept = info && pick(info)
    for (let attempt = 1; ; attempt++)
      try {
        if (info) await this.#manager.streams.delete(stream)
        const config = { ...configOf(this.#options), ...kept, first_seq: after + 1 }
        return checked(boundsOf(await this.#manager.streams.add(config)), stream, after)
      } catch (error) {
        const isInTheWay = isJetStreamError(error, jetStreamCodes.streamNameInUse)
        if (!isInTheWay || attempt === attemptsMax) {
          const fault = toLogError(error, `Stream ${stream} cannot be made anew`)
          if (!isGridError(fault, 'log_full')) throw fault
          throw await notEnoughStorage(this.#manager, this.#options, fault)
        }
        info = await this.#info()
      }
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #info(): Promise<StreamInfo | undefined> {
    const { stream } = this.#options
    try {
      return await this.#manager.streams.info(stream)
    } catch (error) {
      if (isJetStreamError(error, jetStreamCodes.streamNotFound)) return undefined
      throw toLogError(error, `Stream ${stream} cannot be looked at`)
    }
  }
}

const pick = ({ config: { num_replicas, max_bytes, placement } }: StreamInfo) => ({
  ...{ num_replicas, max_bytes },
  ...(placement ? { placement } : {}),
})

function checked(bounds: LogBounds, stream: string, after: number): LogBounds {
  if (bounds.last === after) return bounds
  throw new GridError(
    'configuration_invalid',
    `Stream ${stream} begins at ${bounds.first}, not at ${after + 1}: that needs nats-server 2.10 or later`,
  )
}
