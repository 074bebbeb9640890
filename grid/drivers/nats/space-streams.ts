import type { JetStreamManager, StreamConfig, StreamInfo } from 'nats'
import type { LogName } from '../../core/log-name.ts'
import type { LogBounds } from '../../engine/ports/log.ts'
import { streams, subjects } from '../../engine/wire/subjects.ts'
import { boundsOf, configOf, type StreamSettings } from './jetstream-stream.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'
import { NatsConnection } from './nats-connection.ts'

const requestTimeoutMs = 10_000
/** A component that starts creates a stream that it does not find. */
const attemptsMax = 3
/** What an empty stream that only keeps its name occupied may take. */
const emptiedBytesMax = 1024 * 1024

/** A log and its change queue. */
export const streamKinds = ['log', 'changes'] as const
export type StreamKind = (typeof streamKinds)[number]
/** And where snapshots are kept for the past, if they are. */
export type AnyStreamKind = StreamKind | 'past'

export interface FoundStream extends LogBounds {
  readonly name: string
  /** Those who read it now, or have been killed less than half a minute ago. */
  readonly consumers: number
  readonly config: StreamConfig
}

/** What somebody decided on the size and the replicas of streams, and successors keep. */
export interface KeptSettings {
  readonly num_replicas: number
  /** Of one stream; -1: as much as there is. */
  readonly max_bytes: number
  readonly placement?: NonNullable<StreamConfig['placement']>
}

/** The streams of all logs of a space, for an operator who puts others in their place. */
export class SpaceStreams {
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager

  /** @throws GridError `log_unavailable`, `configuration_invalid` */
  static async open(natsUrl: string, name: string): Promise<SpaceStreams> {
    const connection = await NatsConnection.open(natsUrl, { name })
    const settings = { timeout: requestTimeoutMs, checkAPI: false }
    return new SpaceStreams(connection, await connection.driver.jetstreamManager(settings))
  }

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection
    this.#manager = manager
  }

  /** undefined: there is none. */
  async find(logName: LogName, kind: AnyStreamKind): Promise<FoundStream | undefined> {
    const name = streams[kind](logName)
    const info = await this.#info(name)
    if (!info) return undefined
    const { config, state } = info
    return { ...boundsOf(info), name, config, consumers: state.consumer_count }
  }

  /**
   * What is in it goes, and the room that is kept for it. It does not begin at 1 then, so nobody
   * takes it for all that there is.
   */
  async empty({ name, config, last }: FoundStream): Promise<void> {
    try {
      await this.#manager.streams.purge(name, { seq: last + 1 })
      const max_bytes = config.max_bytes > 0 ? Math.min(config.max_bytes, emptiedBytesMax) : -1
      await this.#manager.streams.update(name, { max_bytes })
    } catch (error) {
      throw toLogError(error, `Stream ${name} cannot be emptied`)
    }
  }

  /** An empty one, whatever there is: its first record will be at `after + 1`. */
  async replace(
    logName: LogName,
    kind: StreamKind,
    after: number,
    kept: KeptSettings,
    division: StreamSettings['division'],
  ): Promise<LogBounds> {
    const stream = streams[kind](logName)
    const settings = { stream, subject: subjects[kind](logName), ...(division ? { division } : {}) }
    for (let attempt = 1; ; attempt++)
      try {
        await this.#delete(stream)
        const config = { ...configOf(settings), ...kept, first_seq: after + 1 }
        return boundsOf(await this.#manager.streams.add(config))
      } catch (error) {
        const isInTheWay = isJetStreamError(error, jetStreamCodes.streamNameInUse)
        if (!isInTheWay || attempt === attemptsMax)
          throw toLogError(error, `Stream ${stream} cannot be made anew`)
      }
  }

  async remove(logName: LogName, kind: AnyStreamKind): Promise<void> {
    const name = streams[kind](logName)
    try {
      await this.#delete(name)
    } catch (error) {
      throw toLogError(error, `Stream ${name} cannot be removed`)
    }
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#manager.streams.delete(name)
    } catch (error) {
      if (!isJetStreamError(error, jetStreamCodes.streamNotFound)) throw error
    }
  }

  async #info(name: string): Promise<StreamInfo | undefined> {
    try {
      return await this.#manager.streams.info(name)
    } catch (error) {
      if (isJetStreamError(error, jetStreamCodes.streamNotFound)) return undefined
      throw toLogError(error, `Stream ${name} cannot be looked at`)
    }
  }
}
