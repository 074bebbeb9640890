import type { JetStreamManager, StreamInfo } from 'nats'
import { GridError } from '../../core/errors.ts'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '../../engine/ports/log.ts'
import { JetStreamPublisher } from './jetstream-publisher.ts'
import {
  boundsOf,
  cannotServe,
  ensureStream,
  filledOf,
  identityOf,
  type StreamSettings,
} from './jetstream-stream.ts'
import { JetStreamTail } from './jetstream-tail.ts'
import {
  LogConnections,
  type ManagedConnection,
  requestTimeoutDefaultMs,
} from './log-connections.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'
import type { NatsConnection } from './nats-connection.ts'
import { unfitness } from './stream-requirements.ts'
import { type FitnessListener, StreamWatch } from './stream-watch.ts'

/**
 * The server's limit counts headers as well; ours (an expected position) are far smaller than this.
 */
const headroomBytes = 1024
/** NATS's own default, should a server not tell its limit. */
const payloadBytesDefault = 1024 * 1024

export interface JetStreamLogOptions extends StreamSettings {
  /**
   * Name of the connections in the server's list, where the log has its own; ` publish` and ` tail`
   * are added. Default: the stream's name.
   */
  readonly name?: string
  /** How long opening may take while NATS or JetStream is not there yet, in ms. Default 10,000. */
  readonly openTimeoutMs?: number
  /**
   * After this time an append that nobody acknowledged is `log_unavailable`, in ms. Default 5,000.
   */
  readonly appendTimeoutMs?: number
  /** For everything else that is asked of the server, in ms. Default 5,000. */
  readonly requestTimeoutMs?: number
  /**
   * How often a tail hears from the server when there is nothing to send, in ms, at least 100.
   * Three in a row missed: it starts anew. Default 500.
   */
  readonly heartbeatMs?: number
  /** How often the stream's settings are looked at, in ms. Default 3,000. */
  readonly watchMs?: number
  /**
   * Told when the stream's settings have been changed so that it would lose records, and when they
   * have been put right.
   */
  readonly fitness?: FitnessListener
}

/**
 * A log, or a change queue, as one JetStream stream, over connections of its own or such that it
 * shares with others.
 *
 * Assumes that only this class writes to the stream: positions are the stream's sequence, and
 * `trim` is all that removes. What an acknowledgement is worth in a power loss depends on the
 * server's `sync_interval`.
 */
export class JetStreamLog implements Log {
  readonly recordBytesMax: number
  readonly #options: JetStreamLogOptions
  readonly #connections: LogConnections
  readonly #isOwn: boolean
  readonly #publisher: JetStreamPublisher
  readonly #tails = new Set<JetStreamTail>()
  readonly #watch: StreamWatch
  /**
   * The log that `open` or the latest `bounds` has seen: what a tail that starts now expects to
   * follow.
   */
  #identity: string
  #filled: number | undefined

  /**
   * Creates the stream if there is none. Throws `log_unavailable` when NATS or JetStream did not
   * answer in time, `configuration_invalid` when waiting cannot help: an existing stream that
   * cannot serve as a log, no room for a new one.
   * @param server where it is, or connections that are shared, and stay open when it is closed
   */
  static async open(
    server: string | LogConnections,
    options: JetStreamLogOptions,
  ): Promise<JetStreamLog> {
    const { openTimeoutMs = 10_000, requestTimeoutMs = requestTimeoutDefaultMs } = options
    const deadline = performance.now() + openTimeoutMs
    const isOwn = typeof server === 'string'
    const name = options.name ?? options.stream
    const connections = isOwn
      ? await LogConnections.open(server, { name, openTimeoutMs, requestTimeoutMs })
      : server
    try {
      const remainingMs = Math.max(0, deadline - performance.now())
      const info = await ensureStream(connections.publishing.manager, options, remainingMs)
      return new JetStreamLog(connections, isOwn, info, options)
    } catch (error) {
      if (isOwn) await connections.close()
      throw error
    }
  }

  private constructor(
    connections: LogConnections,
    isOwn: boolean,
    info: StreamInfo,
    options: JetStreamLogOptions,
  ) {
    const { publishing } = connections
    this.#connections = connections
    this.#isOwn = isOwn
    this.#identity = identityOf(info)
    this.#filled = filledOf(info)
    this.#options = options
    const payloadBytesMax = publishing.connection.driver.info?.max_payload ?? payloadBytesDefault
    this.recordBytesMax = payloadBytesMax - headroomBytes
    this.#publisher = new JetStreamPublisher(
      publishing.connection,
      options.subject,
      options.appendTimeoutMs ?? 5000,
    )
    const { watchMs = 3000, fitness = () => undefined } = options
    this.#watch = new StreamWatch(() => this.#lookAtSettings(), watchMs, fitness)
  }

  /** Why the stream must not be relied on as it is set now; undefined while it may. */
  get unfit(): string | undefined {
    return this.#watch.unfit
  }

  get filled(): number | undefined {
    return this.#filled
  }

  async append(data: Uint8Array, options?: AppendOptions): Promise<number> {
    if (data.length > this.recordBytesMax) {
      throw new GridError('record_too_large', `The record has ${data.length} bytes`, {
        details: { bytes: data.length, bytesMax: this.recordBytesMax },
      })
    }
    const { expectedLast, traces } = options ?? {}
    return await this.#publisher.publish(data, expectedLast, undefined, traces)
  }

  /**
   * A record's `data` is a view into what was received: a listener copies what it keeps for long.
   */
  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    const { tailing, turns } = this.#connections
    const { connection, manager } = tailing
    const tail = new JetStreamTail(connection, manager, listener, {
      stream: this.#options.stream,
      identity: this.#identity,
      after,
      timeSeen,
      heartbeatMs: this.#options.heartbeatMs ?? 500,
      turns: this.#isOwn ? undefined : turns,
    })
    this.#tails.add(tail)
    return {
      stop: () => {
        this.#tails.delete(tail)
        return tail.stop()
      },
    }
  }

  async bounds(): Promise<LogBounds> {
    const bounds = await this.#ask('The log tells no bounds', async ({ manager }) =>
      boundsOf(await manager.streams.info(this.#options.stream)),
    )
    this.#identity = bounds.identity
    return bounds
  }

  async read(position: number): Promise<LogRecord | undefined> {
    if (position < 1) return undefined
    const { stream, requestTimeoutMs } = this.#options
    return await this.#ask(
      `Position ${position} cannot be read`,
      async ({ connection, manager }) =>
        (await readDirect(
          connection,
          stream,
          position,
          requestTimeoutMs ?? requestTimeoutDefaultMs,
        )) ?? (await readFromLeader(manager, stream, position)),
    )
  }

  async trim(position: number): Promise<void> {
    await this.#ask(`The log is not trimmed to ${position}`, async ({ manager }) => {
      const { first, last } = boundsOf(await manager.streams.info(this.#options.stream))
      // Past its end, a purge would move the end as well, and leave positions out.
      const seq = Math.min(position, last + 1)
      if (seq > first) await manager.streams.purge(this.#options.stream, { seq })
    })
  }

  async close(): Promise<void> {
    this.#watch.stop()
    await Promise.all([...this.#tails].map((tail) => tail.stop()))
    this.#tails.clear()
    this.#publisher.close()
    if (this.#isOwn) await this.#connections.close()
  }

  async #lookAtSettings(): Promise<string | undefined> {
    const { stream, subject } = this.#options
    const info = await this.#ask('The stream tells no settings', ({ manager }) =>
      manager.streams.info(stream),
    )
    this.#filled = filledOf(info)
    const unfit = unfitness(info.config, subject)
    return unfit && cannotServe(stream, unfit)
  }

  async #ask<T>(doing: string, request: (server: ManagedConnection) => Promise<T>): Promise<T> {
    const { publishing } = this.#connections
    if (!publishing.connection.connected) {
      throw new GridError('log_unavailable', `${doing}: NATS is not connected`)
    }
    try {
      return await request(publishing)
    } catch (error) {
      throw toLogError(error, doing)
    }
  }
}

/** Any replica answers, with the bytes as they are. */
async function readDirect(
  connection: NatsConnection,
  stream: string,
  position: number,
  timeout: number,
): Promise<LogRecord | undefined> {
  const request = JSON.stringify({ seq: position })
  const answer = await connection.driver.request(`$JS.API.DIRECT.GET.${stream}`, request, {
    timeout,
  })
  const { headers, data } = answer
  if (Number(headers?.get('Nats-Sequence')) !== position) return undefined
  return { position, time: Date.parse(headers?.get('Nats-Time-Stamp') ?? ''), data }
}

/** A replica may lag behind; what the leader does not hold, nobody does. */
async function readFromLeader(
  manager: JetStreamManager,
  stream: string,
  position: number,
): Promise<LogRecord | undefined> {
  try {
    const { data, time } = await manager.streams.getMessage(stream, { seq: position })
    return { position, time: time.getTime(), data }
  } catch (error) {
    if (isJetStreamError(error, jetStreamCodes.messageNotFound)) return undefined
    throw error
  }
}
