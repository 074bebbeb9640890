import type { SimulatedLog } from '@spacegrid/grid/adapters/simulated/simulated-log'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '@spacegrid/grid/ports/log'
import type { Host } from './host.ts'

/** A host's connection to a log: ends with the host, stands still with it. */
export class HostLog implements Log {
  readonly connection: SimulatedLog
  /** What the next record of a tail is to suffer, against the port's contract: a replica must notice. */
  glitch: 'none' | 'skip' | 'repeat' = 'none'
  readonly #host: Host

  constructor(host: Host, connection: SimulatedLog) {
    this.#host = host
    this.connection = connection
    host.whenGone(() => void connection.close())
  }

  get recordBytesMax(): number {
    return this.connection.recordBytesMax
  }

  append(data: Uint8Array, options?: AppendOptions): Promise<number> {
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

  tail(after: number, listener: LogListener): LogTail {
    let ended = !this.#host.acts()
    if (ended) return { stop: async () => undefined }
    const give = (tell: () => void) =>
      this.#host.deliver(() => {
        if (!ended) tell()
      })
    const tail = this.connection.tail(after, {
      record: (record) => {
        const { glitch } = this
        this.glitch = 'none'
        if (glitch === 'skip') return
        give(() => listener.record(record))
        if (glitch === 'repeat') give(() => listener.record(record))
      },
      connected: (connected) => give(() => listener.connected?.(connected)),
      broken: (error) => give(() => listener.broken(error)),
    })
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
