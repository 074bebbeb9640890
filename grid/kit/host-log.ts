import type { Clock } from '../engine/ports/clock.ts'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '../engine/ports/log.ts'
import type { Host } from './host.ts'
import type { SimulatedLog } from './simulated-log.ts'

/** A host's connection to a log: ends with the host, stands still with it. */
export class HostLog implements Log {
  readonly connection: SimulatedLog
  /**
   * What the next record of a tail is to suffer, against the port's contract: a replica must
   * notice.
   */
  glitch: 'none' | 'skip' | 'repeat' = 'none'
  /** It has suffered one. */
  wasGlitched = false
  /** Told of everything that is about to be appended. */
  appending: (data: Uint8Array) => void = () => undefined
  /** When it was last cut or healed, in the world's `monotonic()` time. */
  changedAt = Number.NEGATIVE_INFINITY
  readonly #host: Host
  readonly #clock: Clock

  constructor(host: Host, connection: SimulatedLog, clock: Clock) {
    this.#host = host
    this.#clock = clock
    this.connection = connection
    host.whenGone(() => void connection.close())
  }

  get recordBytesMax(): number {
    return this.connection.recordBytesMax
  }

  cut(): void {
    this.changedAt = this.#clock.monotonic()
    this.connection.cut()
  }

  heal(): void {
    this.changedAt = this.#clock.monotonic()
    this.connection.heal()
  }

  append(data: Uint8Array, options?: AppendOptions): Promise<number> {
    if (this.#host.alive) this.appending(data)
    return this.#ask(() => this.connection.append(data, options))
  }

  bounds(): Promise<LogBounds> {
    return this.#ask(() => this.connection.bounds())
  }

  read(position: number): Promise<LogRecord | undefined> {
    return this.#ask(() => this.connection.read(position))
  }

  trim(position: number): Promise<void> {
    return this.#ask(() => this.connection.trim(position))
  }

  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    let ended = !this.#host.acts()
    if (ended) return { stop: async () => undefined }
    const give = (tell: () => void) =>
      this.#host.deliver(() => {
        if (!ended) tell()
      })
    const told: LogListener = {
      record: (record) => {
        const { glitch } = this
        this.glitch = 'none'
        this.wasGlitched ||= glitch !== 'none'
        if (glitch === 'skip') return
        give(() => listener.record(record))
        if (glitch === 'repeat') give(() => listener.record(record))
      },
      connected: (connected) => give(() => listener.connected?.(connected)),
      broken: (error) => give(() => listener.broken(error)),
    }
    const tail = this.connection.tail(after, told, timeSeen)
    return {
      stop: async () => {
        ended = true
        await tail.stop()
      },
    }
  }

  close(): Promise<void> {
    return this.connection.close()
  }

  #ask<T>(request: () => Promise<T>): Promise<T> {
    if (!this.#host.acts()) return new Promise(() => undefined)
    return this.#host.settle(request())
  }
}
