import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '@spacegrid/grid/engine/ports/log'

/** Records of others are seen as well, and nobody here has sent them. */
const seenMax = 1_000_000

/**
 * A log that is farther away: records reach it half a replication latency later than its own, and
 * come from it by as much later, in order. Everything else is the log's.
 */
export class DelayedLog implements Log {
  readonly recordBytesMax: number
  readonly #log: Log
  readonly #halfMs: number
  readonly #told: (ms: number) => void
  /** By position: when the record was sent, or has been seen, whichever is known first. */
  readonly #sent = new Map<number, number>()
  readonly #seen = new Map<number, number>()

  /**
   * @param replicationMs on top of the log's own
   * @param told of each record that is sent here: how long it took until it was seen here, which is
   * as long as until anybody sees it who is as far away
   */
  constructor(log: Log, replicationMs: number, told: (ms: number) => void) {
    this.#told = told
    this.#log = log
    this.#halfMs = replicationMs / 2
    this.recordBytesMax = log.recordBytesMax
  }

  async append(data: Uint8Array, options?: AppendOptions): Promise<number> {
    const sentAt = performance.now()
    await this.#later()
    const position = await this.#log.append(data, options)
    const seenAt = this.#seen.get(position)
    if (seenAt === undefined) this.#sent.set(position, sentAt)
    else this.#told(seenAt - sentAt)
    this.#seen.delete(position)
    return position
  }

  tail(after: number, listener: LogListener): LogTail {
    // Timers of one length fire in the order in which they were set.
    const later = (tell: () => void) => void this.#later().then(tell)
    let isStopped = false
    const tail = this.#log.tail(after, {
      record: (record) =>
        later(() => {
          this.#note(record)
          if (!isStopped) listener.record(record)
        }),
      connected: (connected) => later(() => isStopped || listener.connected?.(connected)),
      broken: (error) => later(() => isStopped || listener.broken(error)),
    })
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

  #note({ position }: LogRecord): void {
    const sentAt = this.#sent.get(position)
    this.#sent.delete(position)
    if (sentAt !== undefined) this.#told(performance.now() - sentAt)
    else if (this.#seen.size < seenMax) this.#seen.set(position, performance.now())
  }

  async #later(): Promise<void> {
    if (this.#halfMs > 0) await new Promise((wake) => setTimeout(wake, this.#halfMs))
  }
}
