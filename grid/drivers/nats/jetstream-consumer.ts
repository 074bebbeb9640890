import {
  AckPolicy,
  type ConsumerConfig,
  createInbox,
  DeliverPolicy,
  type Msg,
  nanos,
  nuid,
  ReplayPolicy,
} from 'nats'
import { isKept, recordTracesMax, type Traceparent } from '../../engine/ports/tracing.ts'
import { tracesHeader } from './jetstream-publisher.ts'

/** Quiet heartbeat intervals after which the consumer counts as gone. */
const quietIntervalsMax = 3
/**
 * The server removes a consumer nobody listens to after this time, should our request to delete it
 * get lost.
 */
const abandonedAfterMs = 30_000
const recordReplyPrefix = '$JS.ACK.'
/**
 * Messages are handed on for so long in one turn, ms: while some had to wait, for as long as
 * everything else has taken since, for half of a busy process's time is theirs; but no longer than
 * the second. What a record takes by itself comes on top: a frame is melded in one go.
 */
const sliceMs = { min: 1, max: 20 } as const

/**
 * Why a consumer cannot go on: nothing came for too long, the server went past the next position,
 * or it said so.
 */
export type ConsumerEnd = 'silent' | 'skipped' | 'refused'

export type PushedMessage = Pick<Msg, 'reply' | 'data' | 'headers'>

/** What a consumer needs of its connection. */
export interface ConsumerConnection {
  readonly connected: boolean
  /** Where nobody else may listen; undefined: the driver's own. */
  readonly inboxPrefix?: string | undefined
  readonly driver: {
    subscribe(
      subject: string,
      options: { callback(error: Error | null, message: PushedMessage): void },
    ): { unsubscribe(): void }
    publish(subject: string): void
  }
}

/** What a consumer needs of JetStream's management. */
export interface ConsumerManager {
  readonly consumers: {
    add(stream: string, config: Partial<ConsumerConfig>): Promise<unknown>
    delete(stream: string, name: string): Promise<unknown>
  }
}

export interface ConsumerListener {
  /** @param traces that the record belongs to; undefined: none */
  record(
    position: number,
    time: number,
    data: Uint8Array,
    traces: readonly Traceparent[] | undefined,
  ): void
  /** Nothing comes after this that could be relied on. May be called more than once. */
  ended(why: ConsumerEnd): void
}

/**
 * One ephemeral push consumer of a stream, from `next` on, for as long as nothing goes wrong. The
 * server pushes as fast as flow control lets it; nothing is acknowledged, and the position is read
 * from the reply subject, so that a record costs no JSON, no promise and no header. A pull consumer
 * would add a request for each batch and its expiry to every pause.
 *
 * Every position handed on is the one after the last one. One that keeps up hands each on as it
 * comes; of what comes faster, a slice a turn of the event loop, so that nobody else is held up by
 * a catch-up. What waits, for that or for `begin`, waits together with the flow control behind it,
 * so it is bounded by the server's window.
 */
export class JetStreamConsumer {
  readonly #connection: ConsumerConnection
  readonly #manager: ConsumerManager
  readonly #stream: string
  readonly #heartbeatMs: number
  readonly #listener: ConsumerListener
  readonly #name = nuid.next()
  readonly #inbox: string
  #next: number
  #subscription: { unsubscribe(): void } | undefined
  #begun = false
  /** What has come and is not handed on yet. */
  #waiting: PushedMessage[] = []
  /**
   * Messages are handed on until then, in `performance.now()` time; undefined: in this turn none
   * has come yet.
   */
  #sliceEnd: number | undefined
  /** When some had to wait for the next turn. */
  #restedAt: number | undefined
  #quietIntervals = 0
  #quietTimer: NodeJS.Timeout | undefined

  constructor(
    connection: ConsumerConnection,
    manager: ConsumerManager,
    listener: ConsumerListener,
    options: { readonly stream: string; readonly next: number; readonly heartbeatMs: number },
  ) {
    this.#connection = connection
    this.#inbox = createInbox(connection.inboxPrefix)
    this.#manager = manager
    this.#listener = listener
    this.#stream = options.stream
    this.#next = options.next
    this.#heartbeatMs = options.heartbeatMs
  }

  async create(): Promise<void> {
    // First the subscription: it goes the same way as the request, so the server knows it before it
    // pushes.
    this.#subscription = this.#connection.driver.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error !== null) this.#listener.ended('refused')
        else this.#take(message)
      },
    })
    await this.#manager.consumers.add(this.#stream, {
      name: this.#name,
      deliver_subject: this.#inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#next,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: nanos(this.#heartbeatMs),
      inactive_threshold: nanos(abandonedAfterMs),
      mem_storage: true,
      num_replicas: 1,
    })
  }

  /** From now on everything is handed on; what has come so far comes first. */
  begin(): void {
    // Intervals are counted, not time: a process that was itself held up finds one of them over,
    // not three, and reads what has come in the meantime before the next one ends.
    this.#quietTimer = setInterval(() => {
      this.#quietIntervals += 1
      if (this.#quietIntervals >= quietIntervalsMax) this.#listener.ended('silent')
    }, this.#heartbeatMs).unref()
    this.#begun = true
    this.#work()
  }

  end(): void {
    if (this.#subscription === undefined) return
    clearInterval(this.#quietTimer)
    this.#waiting = []
    this.#subscription.unsubscribe()
    this.#subscription = undefined
    // Only a courtesy: the server removes it by itself when it finds nobody listening.
    if (this.#connection.connected) {
      this.#manager.consumers.delete(this.#stream, this.#name).catch(() => {})
    }
  }

  #take(message: PushedMessage): void {
    this.#quietIntervals = 0
    // While something waits there is no time left: nothing overtakes it.
    if (this.#begun && this.#isInSlice()) this.#handle(message)
    else this.#waiting.push(message)
  }

  /** The first message of a turn begins its slice. */
  #isInSlice(): boolean {
    const now = performance.now()
    if (this.#sliceEnd === undefined) {
      const othersMs = now - (this.#restedAt ?? now)
      this.#sliceEnd = now + Math.min(sliceMs.max, Math.max(sliceMs.min, othersMs))
      setImmediate(() => this.#work())
    }
    return now < this.#sliceEnd
  }

  /** In a new turn: hands on what waits, as far as the slice goes. */
  #work(): void {
    this.#sliceEnd = undefined
    const waiting = this.#waiting
    let handled = 0
    while (handled < waiting.length && this.#subscription !== undefined && this.#isInSlice())
      this.#handle(waiting[handled++] as PushedMessage)
    if (handled > 0) waiting.splice(0, handled)
    this.#restedAt = waiting.length > 0 ? performance.now() : undefined
  }

  #handle(message: PushedMessage): void {
    if (this.#subscription === undefined) return
    try {
      const reply = message.reply ?? ''
      if (reply.startsWith(recordReplyPrefix)) this.#handleRecord(reply, message)
      else this.#handleControl(reply, message)
    } catch (error) {
      // The driver prints what a callback throws, stops reading, and looks alive. A bug of ours has
      // to crash the unit.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /**
   * The reply subject is
   * `$JS.ACK.stream.consumer.delivered.position.consumerPosition.nanoseconds.pending`, or, from
   * newer servers, has two more tokens (domain, account) after `$JS.ACK` and may have more at its
   * end (NATS ADR-15).
   */
  #handleRecord(reply: string, message: PushedMessage): void {
    const tokens = reply.split('.')
    const shift = tokens.length === 9 ? 0 : 2
    const position = Number(tokens[5 + shift])
    if (position < this.#next) return
    if (position > this.#next) {
      this.#listener.ended('skipped')
      return
    }
    this.#next += 1
    // The last six digits are dropped as text: nanoseconds since 1970 are beyond what a number
    // holds exactly.
    const time = Number(tokens[7 + shift]?.slice(0, -6))
    this.#listener.record(position, time, message.data, tracesOf(message))
  }

  #handleControl(reply: string, message: PushedMessage): void {
    const headers = message.headers
    if (headers === undefined) return
    if (headers.code !== 100) {
      this.#listener.ended('refused')
      return
    }
    // Either a request for flow control, or a heartbeat that says that the answer to one is still
    // missing.
    const flow = reply === '' ? headers.get('Nats-Consumer-Stalled') : reply
    if (flow !== '') this.#connection.driver.publish(flow)
    const lastSent = headers.get('Nats-Last-Stream')
    if (lastSent !== '' && Number(lastSent) >= this.#next) this.#listener.ended('skipped')
  }
}

/** Whatever else stands there is no trace, and no mistake. */
function tracesOf({ headers }: PushedMessage): readonly Traceparent[] | undefined {
  const named = headers?.get(tracesHeader)
  if (!named) return undefined
  const traces = named.split(',').slice(0, recordTracesMax).filter(isKept)
  return traces.length === 0 ? undefined : traces
}
