import { setTimeout as delay } from 'node:timers/promises'
import {
  DiscardPolicy,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats'
import { GridError, isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { DeclaredEvents } from '../../core/readable-events.ts'
import type {
  EventMessage,
  EventStream,
  EventStreamState,
  StreamedEvent,
} from '../../engine/ports/event-stream.ts'
import { streams, subjects } from '../../engine/wire/subjects.ts'
import { JetStreamPublisher } from './jetstream-publisher.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'
import type { NatsConnection } from './nats-connection.ts'

/** In the stream's metadata: which events belong into it, as JSON. */
const readableKey = 'spacegrid.readableEvents'
/** The server takes metadata of 128 KiB in all. */
const readableBytesMax = 64 * 1024
const requestTimeoutMs = 5000
const appendTimeoutMs = 5000
/** How long a declaration waits for a JetStream that is still starting, ms. */
const declareWithinMs = 10_000
const retryMs = 250
/** The server's limit counts headers as well, and ours are far smaller than this. */
const headroomBytes = 2048
/** NATS's own default, should a server not tell its limit. */
const payloadBytesDefault = 1024 * 1024
/** Whoever publishes again after an unknown outcome does it within this time. */
const duplicateWindowMs = 2 * 60_000
/** Of what type an event is whose name cannot be a word of a subject. */
const otherToken = 'event'
const plainName = /^[A-Za-z0-9_-]{1,128}$/

export interface EventStreamLimits {
  /** Size of a stream that is created; at the limit the oldest goes. 0: none is created. */
  readonly bytesMax: number
  /** What is older goes, ms. */
  readonly ageMsMax: number
  readonly replicas: number
}

/**
 * The domain events of one log as a JetStream stream, over a connection that somebody else has
 * opened. What it holds may be forgotten: at its limits the oldest goes, and nobody waits for it.
 */
export class JetStreamEvents implements EventStream {
  readonly #connection: NatsConnection
  readonly #stream: string
  readonly #logName: LogName
  #manager: Promise<JetStreamManager> | undefined
  #publisher: JetStreamPublisher | undefined

  constructor(connection: NatsConnection, logName: LogName) {
    this.#connection = connection
    this.#logName = logName
    this.#stream = streams.events(logName)
  }

  /**
   * Says which events belong into the stream; creates it, unless there is nothing to be told. How
   * large it is and how old what it holds is an operator's decision once it exists.
   * @returns whether anything is different now
   * @throws GridError `configuration_invalid`: there is no room for it, or another stream in its
   * place; `log_unavailable`
   */
  async declare(readable: DeclaredEvents, limits: EventStreamLimits): Promise<boolean> {
    const deadline = performance.now() + declareWithinMs
    for (;;) {
      try {
        return await this.#declare(readable, limits)
      } catch (error) {
        const fault = toLogError(error, `Stream ${this.#stream} cannot be opened`)
        if (fault.code === 'log_full') throw noRoom(this.#stream, limits, fault)
        if (!fault.retryable || performance.now() + retryMs >= deadline) throw fault
      }
      await delay(retryMs)
    }
  }

  async look(): Promise<EventStreamState | undefined> {
    try {
      const info = await this.#info()
      const readable = info && readableIn(info.config)
      if (!info || readable === undefined) return undefined
      const messageBytesMax = this.#messageBytesMax(info.config)
      return { readable, last: info.state.last_seq, messageBytesMax }
    } catch (error) {
      // Units say so when they start; what is stored must not depend on somebody else's stream.
      if (isGridError(error, 'configuration_invalid')) return undefined
      throw toLogError(error, `Stream ${this.#stream} cannot be looked at`)
    }
  }

  async newest(): Promise<StreamedEvent | undefined> {
    try {
      const manager = await this.#managed()
      const newest = { last_by_subj: subjects.event(this.#logName, '*') }
      const { header, seq } = await manager.streams.getMessage(this.#stream, newest)
      return { id: header.get('Nats-Msg-Id') || undefined, number: seq }
    } catch (error) {
      // There is none, or the last one has come to its age.
      if (isJetStreamError(error, jetStreamCodes.messageNotFound)) return undefined
      throw toLogError(error, `Stream ${this.#stream} cannot be looked at`)
    }
  }

  async append({ name, id, headers, data }: EventMessage, after: number): Promise<number> {
    this.#publisher ??= new JetStreamPublisher(this.#connection, '', appendTimeoutMs)
    const token = plainName.test(name) ? name : otherToken
    return await this.#publisher.publish(data, after, {
      subject: subjects.event(this.#logName, token),
      headers: { 'Nats-Msg-Id': id, ...headers },
    })
  }

  /** The connection stays open. */
  close(): void {
    this.#publisher?.close()
    this.#publisher = undefined
  }

  async #declare(readable: DeclaredEvents, limits: EventStreamLimits): Promise<boolean> {
    const text = JSON.stringify(readable)
    if (Buffer.byteLength(text) > readableBytesMax)
      throw new GridError(
        'configuration_invalid',
        `The readableEvents of ${this.#logName} are more than ${readableBytesMax} bytes of JSON`,
      )
    const info = await this.#info()
    if (!info) return await this.#create(readable, text, limits)
    const { metadata } = info.config
    if (metadata?.[readableKey] === text) return false
    const manager = await this.#managed()
    await manager.streams.update(this.#stream, { metadata: { ...metadata, [readableKey]: text } })
    return true
  }

  async #create(readable: DeclaredEvents, text: string, limits: EventStreamLimits) {
    const isNothing = readable === false || Object.keys(readable).length === 0
    if (limits.bytesMax === 0 || (isNothing && readable !== true)) return false
    try {
      await (await this.#managed()).streams.add({
        name: this.#stream,
        subjects: [subjects.event(this.#logName, '*')],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        num_replicas: limits.replicas,
        max_bytes: limits.bytesMax,
        max_age: nanos(limits.ageMsMax),
        duplicate_window: nanos(Math.min(duplicateWindowMs, limits.ageMsMax)),
        metadata: { [readableKey]: text },
      })
    } catch (error) {
      // Another unit was faster: it is looked at as it is now.
      if (!isJetStreamError(error, jetStreamCodes.streamNameInUse)) throw error
      throw new GridError('log_unavailable', 'somebody else creates it', { cause: error })
    }
    return true
  }

  /** undefined: there is none. @throws GridError `configuration_invalid`: it is something else */
  async #info(): Promise<StreamInfo | undefined> {
    if (!this.#connection.connected) throw new GridError('log_unavailable', 'NATS is not connected')
    try {
      const info = await (await this.#managed()).streams.info(this.#stream)
      const wanted = subjects.event(this.#logName, '*')
      if (info.config.subjects.join() === wanted) return info
      throw new GridError(
        'configuration_invalid',
        `Stream ${this.#stream} cannot hold the events of ${this.#logName}: its subjects are ${info.config.subjects.join()}, they must be ${wanted}`,
      )
    } catch (error) {
      if (isJetStreamError(error, jetStreamCodes.streamNotFound)) return undefined
      throw error
    }
  }

  #messageBytesMax({ max_msg_size: configured }: StreamConfig): number {
    const served = this.#connection.driver.info?.max_payload ?? payloadBytesDefault
    return (configured > 0 ? Math.min(configured, served) : served) - headroomBytes
  }

  #managed(): Promise<JetStreamManager> {
    this.#manager ??= this.#connection.driver.jetstreamManager({
      timeout: requestTimeoutMs,
      checkAPI: false,
    })
    return this.#manager
  }
}

const noRoom = (stream: string, { bytesMax }: EventStreamLimits, cause: GridError): GridError =>
  new GridError(
    'configuration_invalid',
    `NATS has no room for stream ${stream}: EVENTS_BYTES_MAX=${bytesMax} is more than max_file_store leaves; set it lower, or give NATS more (${cause.message})`,
    { cause },
  )

/** undefined: nobody has said so, or nothing that can be read. */
function readableIn({ metadata }: StreamConfig): DeclaredEvents | undefined {
  const text = metadata?.[readableKey]
  if (text === undefined) return undefined
  try {
    const readable: unknown = JSON.parse(text)
    if (typeof readable === 'boolean') return readable
    if (typeof readable === 'object' && readable !== null) return readable as DeclaredEvents
  } catch {
    // Somebody has changed it by hand: nothing is told that nobody has declared.
  }
  return undefined
}
