import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '@spacegrid/grid/engine/ports/log'

/**
 * A log that is farther away: records reach it half a replication latency later than its own, and
 * come from it by as much later, in order. Everything else is the log's.
 */
export class DelayedLog implements Log {
  readonly recordBytesMax: number
  readonly #log: Log
  readonly #halfMs: number

  /** @param replicationMs on top of the log's own */
  constructor(log: Log, replicationMs: number) {
    this.#log = log
    this.#halfMs = replicationMs / 2
    this.recordBytesMax = log.recordBytesMax
  }

  async append(data: Uint8Array, options?: AppendOptions): Promise<number> {
    await this.#later()
    return await this.#log.append(data, options)
  }

  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    // Timers of one length fire in the order in which they were set.
    const later = (tell: () => void) => void this.#later().then(tell)
    let isStopped = false
    const told: LogListener = {
      record: (record) => later(() => isStopped || listener.record(record)),
      connected: (connected) => later(() => isStopped || listener.connected?.(connected)),
      broken: (error) => later(() => isStopped || listener.broken(error)),
    }
    const tail = this.#log.tail(after, told, timeSeen)
    return {
      stop: async () => {
        isStopped = true
        await tail.stop()
      },
    }
  }

  bounds(): Promise<LogBounds> {
    return this.#log.bounds()
  }

  read(position: number): Promise<LogRecord | undefined> {
    return this.#log.read(position)
  }

  trim(position: number): Promise<void> {
    return this.#log.trim(position)
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #later(): Promise<void> {
    if (this.#halfMs > 0) await new Promise((wake) => setTimeout(wake, this.#halfMs))
  }
}
