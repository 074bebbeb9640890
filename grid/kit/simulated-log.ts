import { GridError, isGridError } from '../core/errors.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '../engine/ports/log.ts'
import { SimulatedStream } from './simulated-stream.ts'

/** What becomes of one append. Whatever is left out happens as it should. */
export interface AppendFate {
  /**
   * How often the record is stored: 0 loses it, 2 stores it twice, as a retry by the network would.
   * Default 1.
   */
  readonly copies?: number
  /** ms until the record reaches the log; a later append may overtake it. Default: the latency. */
  readonly delayMs?: number
  /**
   * Whether the caller is told. If not, it gets `log_unavailable` after the timeout. Default true,
   * unless the record is lost.
   */
  readonly answered?: boolean
}

export interface SimulatedLogOptions {
  /**
   * ms that a message takes to the log and back, asked for each one. Default 0 ms: the next turn.
   */
  readonly latencyMs?: () => number
  /** ms after which a caller without an answer gets `log_unavailable`. Default 1000. */
  readonly timeoutMs?: number
  /** Default 1 MiB. */
  readonly recordBytesMax?: number
}

/**
 * One user's connection to a simulated stream. Everything takes at least one turn of the injected
 * clock, so with a `SimulatedClock` a run is repeatable to the last interleaving. Tails see
 * strictly consecutive positions, however often the connection is cut.
 */
export class SimulatedLog implements Log {
  readonly recordBytesMax: number
  readonly stream: SimulatedStream
  /** Decides what becomes of each append; a test replaces it. */
  fate: (data: Uint8Array) => AppendFate = () => ({})
  /**
   * ms by which what the tails of this connection see is late, asked for each delivery; a test that
   * slows it replaces it.
   */
  lateMs: () => number = () => 0
  /**
   * What the tails of this connection see of each record; a test that damages one replica replaces
   * it.
   */
  seen: (record: LogRecord) => LogRecord = (record) => record
  readonly #clock: Clock
  readonly #latencyMs: () => number
  readonly #timeoutMs: number
  readonly #tails = new Set<SimulatedTail>()
  #connected = true

  constructor(
    clock: Clock,
    stream: SimulatedStream = new SimulatedStream(clock),
    options: SimulatedLogOptions = {},
  ) {
    this.stream = stream
    this.recordBytesMax = options.recordBytesMax ?? 1024 * 1024
    this.#clock = clock
    this.#latencyMs = options.latencyMs ?? (() => 0)
    this.#timeoutMs = options.timeoutMs ?? 1000
  }

  append(data: Uint8Array, options: AppendOptions = {}): Promise<number> {
    if (data.length > this.recordBytesMax)
      return Promise.reject(
        new GridError('record_too_large', `A record takes at most ${this.recordBytesMax} bytes`),
      )
    const { copies = 1, delayMs, answered = copies > 0 } = this.fate(data)
    const store = () => {
      if (copies === 0) return 0
      const position = this.stream.append(data, options.expectedLast)
      for (let copy = 1; copy < copies; copy++) this.#appendAgain(data, options.expectedLast)
      return position
    }
    return this.#exchange(store, { answered: answered && copies > 0, delayMs })
  }

  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    const damaged: LogListener = {
      record: (record) => listener.record(this.seen(record)),
      connected: (connected) => listener.connected?.(connected),
      broken: (error) => listener.broken(error),
    }
    const tail = new SimulatedTail(this.stream, after, damaged, timeSeen, (callback) =>
      this.#clock.after(this.#latencyMs() + this.lateMs(), () => {
        if (this.#connected) callback()
      }),
    )
    this.#tails.add(tail)
    const unwatch = this.stream.watch(() => tail.wake())
    this.#clock.soon(() => {
      if (this.#connected && this.#tails.has(tail)) listener.connected?.(true)
    })
    if (this.#connected) tail.wake()
    return {
      stop: async () => {
        unwatch()
        tail.end()
        this.#tails.delete(tail)
      },
    }
  }

  bounds(): Promise<LogBounds> {
    return this.#exchange(() => this.stream.bounds())
  }

  read(position: number): Promise<LogRecord | undefined> {
    return this.#exchange(() => this.stream.read(position))
  }

  trim(position: number): Promise<void> {
    return this.#exchange(() => this.stream.trim(position))
  }

  async close(): Promise<void> {
    this.cut()
    for (const tail of this.#tails) tail.end()
    this.#tails.clear()
  }

  /** Cuts this connection: appends are lost, tails see nothing, until it is healed. */
  cut(): void {
    if (!this.#connected) return
    this.#connected = false
    for (const tail of this.#tails) tail.listener.connected?.(false)
  }

  heal(): void {
    if (this.#connected) return
    this.#connected = true
    for (const tail of this.#tails) {
      tail.listener.connected?.(true)
      tail.wake()
    }
  }

  #appendAgain(data: Uint8Array, expectedLast: number | undefined): void {
    try {
      this.stream.append(data, expectedLast)
    } catch (error) {
      // The answer to a duplicate reaches nobody, so a refusal of it must not either.
      if (!isGridError(error)) throw error
    }
  }

  /**
   * One request and its answer. Either may be lost on the way when the connection is cut by then.
   */
  #exchange<T>(
    atServer: () => T,
    how: { answered?: boolean; delayMs?: number | undefined } = {},
  ): Promise<T> {
    const sent = this.#connected
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(this.#timeoutMs, () =>
        reject(new GridError('log_unavailable', `No answer within ${this.#timeoutMs} ms`)),
      )
      const answer = (settle: () => void): void => {
        if (!this.#connected || how.answered === false) return
        timer.cancel()
        settle()
      }
      this.#clock.after(how.delayMs ?? this.#latencyMs(), () => {
        if (!sent) return
        try {
          const result = atServer()
          this.#clock.after(this.#latencyMs(), () => answer(() => resolve(result)))
        } catch (error) {
          this.#clock.after(this.#latencyMs(), () => answer(() => reject(error)))
        }
      })
    })
  }
}

class SimulatedTail {
  readonly listener: LogListener
  readonly #stream: SimulatedStream
  readonly #identity: string
  readonly #schedule: (callback: () => void) => void
  #next: number
  /** Time of the record at the position before, where it is known. */
  #timeSeen: number | undefined
  #ended = false

  constructor(
    stream: SimulatedStream,
    after: number,
    listener: LogListener,
    timeSeen: number | undefined,
    schedule: (callback: () => void) => void,
  ) {
    this.listener = listener
    this.#stream = stream
    this.#identity = stream.identity
    this.#next = after + 1
    this.#timeSeen = timeSeen
    this.#schedule = schedule
  }

  /** Delivers, a little later, what the stream holds now. */
  wake(): void {
    const until = this.#stream.last
    this.#schedule(() => this.#deliver(until))
  }

  end(): void {
    this.#ended = true
  }

  #deliver(until: number): void {
    const { identity, first, last } = this.#stream
    if (this.#ended) return
    if (identity !== this.#identity || this.#next > last + 1 || this.#isOther()) {
      this.#break('log_replaced')
    } else if (this.#next < first) {
      this.#break('log_trimmed')
    }
    while (this.#next <= until && !this.#ended) {
      const record = this.#stream.read(this.#next)
      if (!record) return
      this.#next++
      this.#timeSeen = record.time
      this.listener.record(record)
    }
  }

  /**
   * Whether another record stands where the last one stood: the log has lost its end, and grown
   * again.
   */
  #isOther(): boolean {
    const record = this.#stream.read(this.#next - 1)
    return this.#timeSeen !== undefined && record !== undefined && record.time !== this.#timeSeen
  }

  #break(code: 'log_replaced' | 'log_trimmed'): void {
    this.#ended = true
    this.listener.broken(
      new GridError(code, `The tail wants position ${this.#next}`, {
        details: { ...this.#stream.bounds() },
      }),
    )
  }
}
