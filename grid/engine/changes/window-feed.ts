import { GridError } from '../../core/errors.ts'
import type { Log, LogListener, LogRecord, LogTail } from '../ports/log.ts'
import { type QueuedWindow, WindowAssembler } from './window-assembler.ts'

export const outOfOrder = (last: number, position: number): GridError =>
  new GridError('internal', `The change queue gave position ${position} after ${last}`)

export interface WindowFeedOptions {
  /**
   * Bytes of windows that wait to be taken; beyond, the queue is not read until there is room.
   * Default 32 MiB.
   */
  readonly bytesMax?: number
  /** There is another window, or the feed has broken. */
  readonly wake: () => void
  /** Told of a record that is no part of a window, and was passed over. */
  readonly damaged?: (error: Error, position: number) => void
}

/**
 * Reads the windows of the change queue, from a position on, at the pace of whoever takes them.
 * Holds at most `bytesMax` (or one window) and leaves the rest where it is durable. A feed that
 * cannot go on says so in `failure`.
 */
export class WindowFeed {
  readonly #changes: Log
  readonly #bytesMax: number
  readonly #wake: () => void
  readonly #assembler: WindowAssembler
  readonly #windows: QueuedWindow[] = []
  /** Queue position of the last record read. */
  #last: number
  /** Its record's time; undefined: none has been read. */
  #timeSeen: number | undefined
  #bytes = 0
  #tail: LogTail | undefined
  /** Distinguishes the present tail's calls from those of one that was stopped. */
  #tailNumber = 0
  #connected = false
  #failure: Error | undefined

  constructor(changes: Log, after: number, options: WindowFeedOptions) {
    this.#changes = changes
    this.#last = after
    this.#bytesMax = options.bytesMax ?? 32 * 1024 * 1024
    this.#wake = options.wake
    this.#assembler = new WindowAssembler(options.damaged)
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Whether the queue can be read; also while there is no room to read more. */
  get connected(): boolean {
    return this.#connected || this.#tail === undefined
  }

  /** Bytes of the windows that wait. */
  get bytes(): number {
    return this.#bytes
  }

  get next(): QueuedWindow | undefined {
    return this.#windows[0]
  }

  start(): void {
    const number = ++this.#tailNumber
    const isPresent = () => number === this.#tailNumber && !this.#failure
    const told: LogListener = {
      record: (record) => {
        if (isPresent()) this.#record(record)
      },
      connected: (connected) => {
        if (isPresent()) this.#connected = connected
      },
      broken: (error) => {
        if (isPresent()) this.#fail(error)
      },
    }
    const tail = this.#changes.tail(this.#last, told, this.#timeSeen)
    if (isPresent()) this.#tail = tail
    else void tail.stop()
  }

  take(): QueuedWindow | undefined {
    const window = this.#windows.shift()
    if (!window) return undefined
    this.#bytes -= window.bytes
    if (!this.#tail && !this.#failure && this.#bytes <= this.#bytesMax / 2) this.start()
    return window
  }

  /** Windows that were taken and could not be used after all come first again. */
  putBack(windows: readonly QueuedWindow[]): void {
    this.#windows.unshift(...windows)
    for (const { bytes } of windows) this.#bytes += bytes
  }

  async stop(): Promise<void> {
    this.#failure ??= new Error('the feed has been stopped')
    await this.#pause()
  }

  #record({ position, time, data, traces }: LogRecord): void {
    // A tail that breaks its promise would leave a gap that nobody ever closes.
    if (position !== this.#last + 1) {
      this.#fail(outOfOrder(this.#last, position))
      return
    }
    this.#last = position
    this.#timeSeen = time
    try {
      // The record's bytes may be a view into what the connection received: a window that waits
      // must not keep all of that.
      const window = this.#assembler.add(position, new Uint8Array(data), traces)
      if (!window) return
      this.#windows.push(window)
      this.#bytes += window.bytes
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    if (this.#bytes >= this.#bytesMax) void this.#pause()
    this.#wake()
  }

  #fail(error: Error): void {
    this.#failure = error
    void this.#pause()
    this.#wake()
  }

  async #pause(): Promise<void> {
    const tail = this.#tail
    this.#tailNumber++
    this.#tail = undefined
    this.#connected = false
    await tail?.stop()
  }
}
