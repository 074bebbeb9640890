import type { Caller, Identity } from '../request/caller.ts'
import type { Channel } from './channel.ts'
import { streamsFull } from './channel.ts'
import type { StreamReader } from './stream-reader.ts'

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

/** Says whether a token or a key holds still. */
export interface IdentityWatch {
  holds(identity: Identity): boolean
}

/** How often it is looked whose token has expired, or whose key was taken back, ms. */
const lookMs = 1000

/** All streams that the readers of one process follow. */
export class Streams {
  readonly options: StreamsOptions
  readonly #channels = new Set<Channel>()
  readonly #watch: IdentityWatch | undefined
  /** Those who were let in for who they are. */
  readonly #attended = new Map<StreamReader, Identity>()
  #looking: NodeJS.Timeout | undefined
  #open = 0
  #closing = false

  /** @param watch undefined: nobody is let in for who they are */
  constructor(options: Partial<StreamsOptions> = {}, watch?: IdentityWatch) {
    this.options = { ...streamsDefaults, ...options }
    this.#watch = watch
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

  /** What somebody was let in with has an end, and so has what they follow. */
  attend(reader: StreamReader, { identity }: Caller): void {
    if (!identity || !this.#watch) return
    this.#attended.set(reader, identity)
    this.#looking ??= setInterval(() => this.#look(), lookMs).unref()
  }

  #look(): void {
    for (const [reader, identity] of this.#attended)
      if (reader.isOver) this.#attended.delete(reader)
      else if (this.#watch?.holds(identity) === false) {
        this.#attended.delete(reader)
        reader.reconnect('expired')
      }
    if (this.#attended.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  /** Tells every reader to connect again, to another unit. */
  close(): void {
    this.#closing = true
    for (const channel of [...this.#channels]) channel.dismiss('stopping')
  }
}
