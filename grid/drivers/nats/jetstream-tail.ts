import { type JetStreamManager, NatsError } from 'nats'
import { GridError } from '../../core/errors.ts'
import type { LogBounds, LogListener, LogTail } from '../../engine/ports/log.ts'
import type { CatchUpTurns } from './catch-up-turns.ts'
import { type ConsumerEnd, JetStreamConsumer } from './jetstream-consumer.ts'
import { boundsOf } from './jetstream-stream.ts'
import { isJetStreamError, jetStreamCodes } from './log-faults.ts'
import type { NatsConnection } from './nats-connection.ts'

const retryMinMs = 20
const retryMaxMs = 1000
/**
 * In a cluster a new leader may answer before it has applied all it has; so a log that looks too
 * short is looked at again, over about two seconds, before it counts as another log.
 */
const tooShortMax = 7
/** So much of each of many tails has room in a connection's buffer at the server. */
const nearBytes = 512 * 1024
/**
 * Within a cluster a record can get lost on its way, and then a new consumer brings it. Only when
 * as many in a row go past the next position without bringing anything, the record is gone.
 */
const skippedMax = 3

export interface TailOptions {
  readonly stream: string
  /** The log to follow, and no other one under the same name. */
  readonly identity: string
  /** The position before the first one wanted. */
  readonly after: number
  /** When the record there was stored, where it is known. */
  readonly timeSeen?: number | undefined
  readonly heartbeatMs: number
  /** Of those that share the connection; left out: it is this tail's alone. */
  readonly turns?: CatchUpTurns | undefined
}

interface Found extends LogBounds {
  readonly timeAtLast: number | undefined
}

/**
 * Follows a stream across everything that ends a consumer: lost connections, server restarts,
 * missed heartbeats, a deleted consumer. Each time, before the next consumer's records are handed
 * on, the stream must prove to be the same one and to hold every position from the next one on.
 * Otherwise the tail breaks: it never skips and never starts over.
 */
export class JetStreamTail implements LogTail {
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager
  readonly #options: TailOptions
  readonly #listener: LogListener
  readonly #unwatch: () => void
  /** The last position handed on. */
  #last: number
  /** Its record's time; undefined when nobody knows it. */
  #timeSeen: number | undefined
  #over = false
  /** What the listener was told last. */
  #connected: boolean | undefined
  #consumer: JetStreamConsumer | undefined
  #failures = 0
  #tooShort = 0
  #skipped = 0
  #endConsumer: (why: ConsumerEnd | 'cut') => void = () => {}
  #wake: () => void = () => {}

  constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    listener: LogListener,
    options: TailOptions,
  ) {
    this.#connection = connection
    this.#manager = manager
    this.#listener = listener
    this.#options = options
    this.#last = options.after
    this.#timeSeen = options.timeSeen
    this.#unwatch = connection.watch((connected) => {
      if (connected) this.#wake()
      else this.#endConsumer('cut')
    })
    void this.#run()
  }

  /** Does not wait for the server: nothing is called any more once it returns. */
  async stop(): Promise<void> {
    this.#over = true
    this.#unwatch()
    this.#consumer?.end()
    this.#endConsumer('cut')
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const broken = await this.#follow()
      if (this.#over) return
      if (broken !== undefined) {
        await this.stop()
        this.#listener.broken(broken)
        return
      }
      this.#tell(false)
      await this.#pause()
    }
  }

  /** Follows until something ends it; returns an error when it has ended for good. */
  async #follow(): Promise<GridError | undefined> {
    const endTurn = await this.#turn()
    try {
      return await this.#followFrom(this.#last, endTurn)
    } finally {
      endTurn()
    }
  }

  /** Returns what ends the turn; it was none where little is to come. */
  async #turn(): Promise<() => void> {
    const { turns } = this.#options
    if (!turns || !this.#connection.connected || (await this.#isNear())) return () => {}
    return await turns.take()
  }

  async #isNear(): Promise<boolean> {
    try {
      const { state } = await this.#manager.streams.info(this.#options.stream)
      const missing = Math.min(state.last_seq - this.#last, state.messages)
      return missing * (state.bytes / Math.max(1, state.messages)) < nearBytes
    } catch (error) {
      if (error instanceof NatsError) return true
      throw error
    }
  }

  async #followFrom(start: number, caughtUp: () => void): Promise<GridError | undefined> {
    if (this.#over || !this.#connection.connected) return undefined
    const { stream, heartbeatMs } = this.#options
    let missingTo = Number.POSITIVE_INFINITY
    const end = Promise.withResolvers<ConsumerEnd | 'cut'>()
    this.#endConsumer = end.resolve
    const consumer = new JetStreamConsumer(
      this.#connection,
      this.#manager,
      {
        record: (position, time, data, traces) => {
          this.#last = position
          this.#timeSeen = time
          this.#listener.record(
            traces ? { position, time, data, traces } : { position, time, data },
          )
          if (position >= missingTo) caughtUp()
        },
        ended: end.resolve,
      },
      { stream, heartbeatMs, next: start + 1 },
    )
    this.#consumer = consumer
    try {
      // A connection that ends takes the answers with it, so nobody waits for them any longer.
      const bounds = await Promise.race([this.#prepare(consumer), end.promise])
      if (this.#over || typeof bounds !== 'object') return undefined
      const fault = this.#faultOf(bounds)
      if (fault !== undefined) return fault.code === 'log_unavailable' ? undefined : fault
      this.#failures = 0
      this.#tell(true)
      missingTo = bounds.last
      if (start >= missingTo) caughtUp()
      consumer.begin()
      const why = await end.promise
      this.#skipped = why === 'skipped' && this.#last === start ? this.#skipped + 1 : 0
      return this.#skipped >= skippedMax ? this.#trimmed() : undefined
    } finally {
      consumer.end()
    }
  }

  /**
   * undefined: the server does not answer, or knows no such stream (now). Both may change, so it is
   * tried again.
   */
  async #prepare(consumer: JetStreamConsumer): Promise<Found | undefined> {
    try {
      await consumer.create()
      // Only now: a consumer lives and dies with its stream, so what holds for the stream after
      // holds for all it sends.
      const bounds = boundsOf(await this.#manager.streams.info(this.#options.stream))
      return { ...bounds, timeAtLast: await this.#timeAtLast() }
    } catch (error) {
      if (error instanceof NatsError) return undefined
      throw error
    }
  }

  /** When the record at the last position was stored, if that is known and it is still there. */
  async #timeAtLast(): Promise<number | undefined> {
    if (this.#timeSeen === undefined) return undefined
    try {
      const { time } = await this.#manager.streams.getMessage(this.#options.stream, {
        seq: this.#last,
      })
      return time.getTime()
    } catch (error) {
      if (isJetStreamError(error, jetStreamCodes.messageNotFound)) return undefined
      throw error
    }
  }

  #faultOf({ identity, first, last, timeAtLast }: Found): GridError | undefined {
    if (identity !== this.#options.identity) {
      return new GridError('log_replaced', `The log is ${identity}, not ${this.#options.identity}`)
    }
    if (last < this.#last) {
      const message = `The log ends at ${last}, before position ${this.#last}`
      this.#tooShort += 1
      return new GridError(
        this.#tooShort < tooShortMax ? 'log_unavailable' : 'log_replaced',
        message,
      )
    }
    this.#tooShort = 0
    // It came back without its end, and has given the positions away again.
    if (timeAtLast !== undefined && timeAtLast !== this.#timeSeen)
      return new GridError('log_replaced', `The log has another record at position ${this.#last}`)
    return first > this.#last + 1 ? this.#trimmed() : undefined
  }

  #trimmed(): GridError {
    return new GridError('log_trimmed', `The log no longer holds position ${this.#last + 1}`, {
      details: { position: this.#last + 1 },
    })
  }

  #tell(connected: boolean): void {
    if (connected === this.#connected) return
    this.#connected = connected
    this.#listener.connected?.(connected)
  }

  /** Waits a little longer after each failure; a connection that comes back ends the wait. */
  #pause(): Promise<void> {
    const ms = Math.min(retryMaxMs, retryMinMs * 2 ** this.#failures)
    this.#failures += 1
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
