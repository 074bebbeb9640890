import { GridError, isGridError } from '../../core/errors.ts'
import type { StreamTelemetry } from '../request/stream-telemetry.ts'
import { idText } from './event-text.ts'
import type { ReconnectReason, StreamReader } from './stream-reader.ts'

/** Longest turn in which readers are written to before others get theirs, ms. */
const turnMs = 2
const readersPerLook = 32
/** Pause before a unit that cannot tell anything just now is asked again, ms. */
const againMs = 200
/** So long readers are kept while nobody can tell them anything; then they are to go elsewhere. */
const unavailableMsMax = 30_000

export interface ChannelOptions {
  readonly telemetry: StreamTelemetry
  /** After so long without anything to tell a reader hears that it is still followed, ms. */
  readonly heartbeatMs: number
  /** The last reader has gone. */
  readonly emptied: () => void
}

/**
 * Readers that hear the same. What is told is worked out and encoded once, and written to one after
 * the other, with turns for everything else in between; what happens meanwhile is told together,
 * next.
 */
export abstract class Channel {
  protected readonly readers = new Set<StreamReader>()
  readonly #options: ChannelOptions
  #lastTold = performance.now()
  #runs = false
  #closed = false
  readonly #started = Promise.withResolvers<void>()

  constructor(options: ChannelOptions) {
    this.#options = options
    // Whoever waits for it is told.
    this.#started.promise.catch(() => undefined)
  }

  get size(): number {
    return this.readers.size
  }

  protected get closed(): boolean {
    return this.#closed
  }

  /** Where its readers are; undefined: it cannot be said in one id. */
  protected abstract get id(): string | undefined
  /** Looks once, for a bounded time, at what there is to tell, and tells it. */
  protected abstract step(): Promise<void>
  /** Tells the unit that is asked how many there are. */
  protected abstract counted(readers: number): void
  /** Asks another unit next time. */
  protected abstract begin(): void
  /**
   * Asks the unit for what readers are told first.
   * @throws GridError what it cannot do just now
   */
  protected abstract open(): Promise<void>

  /** @throws GridError as `open`: the channel is closed then */
  async start(): Promise<void> {
    try {
      await this.open()
      this.#started.resolve()
    } catch (error) {
      this.#started.reject(error)
      this.close()
      throw error
    }
  }

  /** For whoever has not started it. @throws GridError as `start` */
  async ready(): Promise<void> {
    await this.#started.promise
  }

  protected add(reader: StreamReader): void {
    this.readers.add(reader)
    this.counted(this.readers.size)
    reader.whenClosed = () => {
      this.#options.telemetry.ended(reader.end)
      this.readers.delete(reader)
      this.counted(this.readers.size)
      this.closeIfEmpty()
    }
    if (!this.#runs && !this.#closed) void this.#run()
  }

  /** Sends it something that has happened. */
  protected deliver(reader: StreamReader, bytes: Uint8Array): void {
    reader.send(bytes)
    this.#options.telemetry.delivered()
  }

  closeIfEmpty(): void {
    if (this.readers.size === 0) this.close()
  }

  /** From the first reader on, until the last one has gone. */
  async #run(): Promise<void> {
    this.#runs = true
    let failingSince: number | undefined
    while (!this.#closed) {
      try {
        await this.step()
        failingSince = undefined
      } catch (error) {
        if (this.#closed) return
        if (!isGridError(error)) throw error
        const now = performance.now()
        failingSince ??= now
        if (!error.retryable || now - failingSince > unavailableMsMax) {
          this.dismiss('unavailable')
          return
        }
        await new Promise((wake) => setTimeout(wake, againMs).unref())
        if (!this.#closed) this.begin()
      }
      await this.#beat()
      await this.#taken()
    }
  }

  /** Tells all readers to connect again. */
  dismiss(reason: ReconnectReason): void {
    for (const reader of this.readers) reader.reconnect(reason, spreadMs(this.readers.size))
    this.close()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.emptied()
  }

  /** Writes to each of those who are here now, in turns. */
  protected async tell(send: (reader: StreamReader) => void): Promise<void> {
    this.#lastTold = performance.now()
    let until = this.#lastTold + turnMs
    let count = 0
    for (const reader of [...this.readers]) {
      send(reader)
      if (++count % readersPerLook !== 0 || performance.now() < until) continue
      await new Promise((next) => setImmediate(next))
      until = performance.now() + turnMs
    }
  }

  /** Nobody has taken what was told last: what comes next can wait where it is remembered. */
  async #taken(): Promise<void> {
    for (const reader of this.readers) if (!reader.isBehind) return
    const readers = [...this.readers]
    if (readers.length === 0) return
    await Promise.race(readers.map((reader) => new Promise<void>((then) => reader.whenTaken(then))))
  }

  /** Between two looks: an id must not overtake what it is the id of. */
  async #beat(): Promise<void> {
    if (performance.now() - this.#lastTold < this.#options.heartbeatMs) return
    const bytes = Buffer.from(idText(this.id))
    await this.tell((reader) => reader.send(bytes))
  }
}

/** Many who come back at once come one after the other: a second for a thousand of them. */
const spreadMs = (readers: number): number => 200 + Math.random() * Math.min(10_000, readers)

export const streamsFull = (streamsMax: number): GridError =>
  new GridError(
    'overloaded',
    `${streamsMax} readers follow streams of this unit: it takes no more`,
    {
      details: { streamsMax },
      retryAfterMs: 5000,
    },
  )
