import type { Channel } from './channel.ts'
import { streamsFull } from './channel.ts'

export interface StreamsOptions {
  /** Readers of all streams of the process; beyond, `overloaded`. */
  readonly streamsMax: number
  /** Bytes that may wait for one reader; beyond, it is told to connect again. */
  readonly streamBytesMax: number
  /**
   * After so long without anything to tell a reader hears that it is still followed, ms; the look
   * at what there is, 10 s, comes on top.
   */
  readonly heartbeatMs: number
}

export const streamsDefaults: StreamsOptions = {
  streamsMax: 16_384,
  streamBytesMax: 1024 * 1024,
  heartbeatMs: 5000,
}

/** All streams that the readers of one process follow. */
export class Streams {
  readonly options: StreamsOptions
  readonly #channels = new Set<Channel>()
  #open = 0
  #closing = false

  constructor(options: Partial<StreamsOptions> = {}) {
    this.options = { ...streamsDefaults, ...options }
  }

  /** Readers, those who are just coming included. */
  get open(): number {
    return this.#open
  }

  get closing(): boolean {
    return this.#closing
  }

  /**
   * One more reader comes. Returns what is to be called, once, when it has gone.
   * @throws GridError `overloaded`
   */
  enter(): () => void {
    if (this.#open >= this.options.streamsMax) throw streamsFull(this.options.streamsMax)
    this.#open++
    let left = false
    return () => {
      if (!left) this.#open--
      left = true
    }
  }

  add(channel: Channel): void {
    this.#channels.add(channel)
  }

  delete(channel: Channel): void {
    this.#channels.delete(channel)
  }

  /** Tells every reader to connect again, to another unit. */
  close(): void {
    this.#closing = true
    for (const channel of [...this.#channels]) channel.dismiss('stopping')
  }
}
