import { type MsgHdrs, headers as newHeaders, type Msg as WireMessage } from 'nats'
import { GridError } from '../../core/errors.ts'
import type {
  Endpoint,
  Message,
  Messaging,
  RequestOptions,
  Responder,
  Service,
  Subscription,
} from '../../engine/ports/messaging.ts'
import { RefusedMessages, type TellRefused } from '../refused-messages.ts'
import { answerOf, faultIn } from './message-faults.ts'
import { NatsConnection } from './nats-connection.ts'
import { ReplyInbox } from './reply-inbox.ts'

/** The server's limit counts headers as well. */
const headroomBytes = 4096
/** NATS's own default, should a server not tell its limit. */
const payloadBytesDefault = 1024 * 1024
const flushBeforeCloseMs = 1000

export interface NatsMessagingOptions {
  /** Name of the connection in the server's list. */
  readonly name: string
  /** How long the first connection may take, in ms. Default 10,000. */
  readonly connectTimeoutMs?: number
  /**
   * Told of what no caller can be told, once a minute for each subject: a listener could do nothing
   * with what came, a request was no message of ours, a responder threw something that is no
   * GridError, NATS ended a service. Default: only counted; but what is no GridError is thrown
   * again where nobody catches it, which ends the process, as our own bugs should where nobody
   * would hear of them.
   */
  readonly onFault?: TellRefused
}

/** The server's own answer to a request for which nobody listens. */
const noResponderStatus = 503

/** A request without an answer. */
interface Asked {
  readonly subject: string
  readonly timer: NodeJS.Timeout
  resolve(message: Message): void
  reject(error: unknown): void
}

/**
 * Counts what the driver's own statistics of a service cannot see, because answers are
 * asynchronous.
 */
interface EndpointStatistics {
  answered: number
  failed: number
  lastFailure: string
  totalMs: number
}

/**
 * Messaging over NATS: one connection, which reconnects for as long as it takes; subscriptions and
 * services come back with it. What is published while it is away is dropped, requests under way
 * fail at once.
 */
export class NatsMessaging implements Messaging {
  readonly messageBytesMax: number
  readonly #connection: NatsConnection
  readonly #refused: RefusedMessages
  readonly #asked: ReplyInbox<Asked>
  readonly #answers = new Set<Promise<void>>()
  #closing = false

  /**
   * Throws `log_unavailable` when no server answers in time, `configuration_invalid` when waiting
   * cannot help.
   */
  static async open(natsUrl: string, options: NatsMessagingOptions): Promise<NatsMessaging> {
    return new NatsMessaging(await NatsConnection.open(natsUrl, options), options)
  }

  private constructor(connection: NatsConnection, options: NatsMessagingOptions) {
    this.#connection = connection
    this.#refused = new RefusedMessages(() => performance.now(), options.onFault)
    const payloadBytesMax = connection.driver.info?.max_payload ?? payloadBytesDefault
    this.messageBytesMax = payloadBytesMax - headroomBytes
    this.#asked = new ReplyInbox(connection, {
      answered: (asked, message) => answered(asked, message),
      lost: (asked, cause) =>
        failed(asked, cause ? unavailable('NATS lets no answers through', cause) : notConnected()),
    })
    connection.whenDenied = (subject) =>
      this.#failRequests(unavailable(`${subject}: NATS does not allow it`), subject)
  }

  /** For what of JetStream needs none of its own. */
  get connection(): NatsConnection {
    return this.#connection
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    this.#checkSize(data)
    const headers = options.headers === undefined ? {} : { headers: headersOf(options.headers) }
    // The driver would keep the request and send it once it is connected, perhaps when nobody waits
    // any more.
    if (!this.#connection.connected) throw notConnected()
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const { timeoutMs } = options
    const timer = setTimeout(() => this.#timedOut(reply, timeoutMs), Math.max(1, timeoutMs))
    const reply = this.#asked.expect({ subject, timer, resolve, reject })
    try {
      this.#connection.driver.publish(subject, data, { reply, ...headers })
    } catch (cause) {
      clearTimeout(timer)
      this.#asked.take(reply)
      throw unavailable(`${subject}: ${(cause as Error).message}`, cause)
    }
    return await promise
  }

  publish(subject: string, data: Uint8Array): void {
    this.#checkSize(data)
    if (this.#connection.connected) this.#connection.driver.publish(subject, data)
  }

  subscribe(subject: string, listener: (message: Message) => void): Subscription {
    return this.#subscribe(subject, (message) => {
      try {
        listener(messageOf(message))
      } catch (error) {
        this.#refused.note(error, message.subject)
      }
    })
  }

  respond(subject: string, responder: Responder): Subscription {
    return this.#subscribe(subject, (message) => this.#answer(message, responder))
  }

  /** Stopping takes no new requests, and returns when those under way are answered. */
  async serve(service: Service): Promise<Subscription> {
    const statistics = new Map<string, EndpointStatistics>()
    const running = await this.#connection.driver.services.add({
      name: service.name,
      version: service.version,
      description: service.description ?? '',
      ...(service.metadata === undefined ? {} : { metadata: { ...service.metadata } }),
      // Instances share the requests within their service; another service on the same subject is
      // asked as well.
      queue: service.name,
      statsHandler: async (endpoint) => {
        const counts = statistics.get(endpoint.subject) ?? null
        if (counts) tellDriver(endpoint, counts)
        return counts
      },
    })
    for (const endpoint of service.endpoints) {
      const counts = { answered: 0, failed: 0, lastFailure: '', totalMs: 0 }
      statistics.set(endpoint.subject, counts)
      running.addEndpoint(endpointNameOf(endpoint), {
        subject: endpoint.subject,
        metadata: metadataOf(endpoint),
        handler: (error, message) => {
          if (error === null) this.#answer(message, endpoint.respond, counts)
        },
      })
    }
    let stopping = false
    void running.stopped.then((error) => {
      if (error !== null && !stopping && !this.#closing) this.#refused.note(error, service.name)
    })
    // Whoever is told that we serve may ask at once; by then the server must know. A connection
    // lost meanwhile brings it back.
    await this.#connection.driver.flush().catch(() => {})
    return {
      stop: async () => {
        stopping = true
        await running.stop()
        await Promise.all(this.#answers)
      },
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    const { driver } = this.#connection
    if (this.#connection.connected) {
      // The last answers may still be on their way out, and closing would cut them off.
      const enough = new Promise<void>((resolve) => {
        setTimeout(resolve, flushBeforeCloseMs).unref()
      })
      await Promise.race([driver.flush().catch(() => {}), enough])
    }
    this.#failRequests(notConnected())
    await this.#connection.close()
  }

  /** Messages that were no message of ours, or that nobody here could do anything with. */
  get refused(): number {
    return this.#refused.count
  }

  #subscribe(subject: string, handle: (message: WireMessage) => void): Subscription {
    const subscription = this.#connection.driver.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handle(message)
        else this.#refused.note(error, subject)
      },
    })
    return { stop: async () => subscription.unsubscribe() }
  }

  #answer(request: WireMessage, responder: Responder, counts?: EndpointStatistics): void {
    if (this.#isElsewhere(request)) {
      const error = new GridError('invalid_input', 'an answer was to go where no answers come in')
      this.#refused.note(error, request.subject)
      return
    }
    const begun = performance.now()
    const answering = this.#answerOnce(request, responder).then((failure) => {
      this.#answers.delete(answering)
      if (counts === undefined) return
      counts.answered += 1
      counts.totalMs += performance.now() - begun
      if (failure === undefined) return
      counts.failed += 1
      counts.lastFailure = failure
    })
    this.#answers.add(answering)
  }

  /**
   * In a closed grid answers come in below `_INBOX.` alone. Whoever asks for one elsewhere wants us
   * to publish where it may not.
   */
  #isElsewhere({ reply }: WireMessage): boolean {
    return this.#connection.inboxPrefix !== undefined && reply?.startsWith('_INBOX.') !== true
  }

  /** Never rejects; returns what went wrong. */
  async #answerOnce(request: WireMessage, responder: Responder): Promise<string | undefined> {
    try {
      const { data, headers } = await responder(messageOf(request))
      this.#checkSize(data)
      this.#send(request, data, headers === undefined ? undefined : headersOf(headers))
      return undefined
    } catch (error) {
      this.#refused.refusedRequest(error, request.subject)
      const { data, headers } = answerOf(error)
      this.#send(request, data, headers)
      return error instanceof Error ? error.message : String(error)
    }
  }

  /**
   * An answer that cannot be sent any more is lost like any message; the requester's time runs out.
   */
  #send(request: WireMessage, data: Uint8Array, headers: MsgHdrs | undefined): void {
    if (!this.#connection.connected) return
    request.respond(data, headers === undefined ? {} : { headers })
  }

  #checkSize(data: Uint8Array): void {
    if (data.length <= this.messageBytesMax) return
    throw new GridError(
      'record_too_large',
      `A message takes at most ${this.messageBytesMax} bytes`,
      {
        details: { bytes: data.length, bytesMax: this.messageBytesMax },
      },
    )
  }

  #timedOut(reply: string, timeoutMs: number): void {
    const asked = this.#asked.take(reply)
    asked?.reject(
      new GridError('request_timeout', `${asked.subject}: no answer in ${timeoutMs} ms`),
    )
  }

  /** @param subject of those that fail. Default: all */
  #failRequests(error: GridError, subject?: string): void {
    for (const [reply, asked] of this.#asked.waiting)
      if (subject === undefined || asked.subject === subject) {
        this.#asked.take(reply)
        failed(asked, error)
      }
  }
}

function answered({ subject, timer, resolve, reject }: Asked, message: WireMessage): void {
  clearTimeout(timer)
  const { data, headers } = message
  if (data.length === 0 && headers?.code === noResponderStatus) {
    reject(new GridError('no_responder', `Nobody answers on ${subject}`))
    return
  }
  const fault = faultIn(headers, data)
  if (fault === undefined) resolve(messageOf(message))
  else reject(fault)
}

function failed({ timer, reject }: Asked, error: GridError): void {
  clearTimeout(timer)
  reject(error)
}

const unavailable = (message: string, cause?: unknown) =>
  new GridError('log_unavailable', message, { cause })

const notConnected = () => unavailable('NATS is not connected')

function messageOf({ data, headers }: WireMessage): Message {
  if (headers === undefined) return { data }
  const names = headers.keys()
  const repeated = names.filter((name) => headers.values(name).length > 1)
  return {
    data,
    headers: Object.fromEntries(names.map((name) => [name, headers.values(name).join(', ')])),
    ...(repeated.length > 0 ? { repeated } : undefined),
  }
}

function headersOf(record: Readonly<Record<string, string>>): MsgHdrs {
  const headers = newHeaders()
  for (const [name, value] of Object.entries(record)) {
    try {
      headers.set(name, value)
    } catch (cause) {
      throw new GridError('invalid_header', `${name} cannot be a header`, { cause })
    }
  }
  return headers
}

/**
 * The driver counts what its handlers throw and how long they take, which asynchronous answers
 * never show; what it tells of a service are the fields of this object, which its types do not
 * name.
 */
function tellDriver(endpoint: object, { failed, lastFailure, totalMs }: EndpointStatistics): void {
  const { stats } = endpoint as { stats?: Record<string, unknown> }
  if (!stats) return
  stats.num_errors = failed
  if (failed > 0) stats.last_error = lastFailure
  stats.processing_time = Math.round(totalMs * 1e6)
}

/** A service's endpoints need names without dots; a subject is unique already. */
const endpointNameOf = ({ subject }: Endpoint): string => subject.replaceAll(/[^-\w]/g, '-')

const metadataOf = ({ description, metadata }: Endpoint): Record<string, string> => ({
  ...(description === undefined ? {} : { description }),
  ...metadata,
})
