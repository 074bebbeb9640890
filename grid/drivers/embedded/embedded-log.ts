import { randomUUID } from 'node:crypto'
import type { Database, RootDatabase } from 'lmdb'
import { GridError, isGridError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '../../engine/ports/log.ts'
import type { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedTail, type HeldRecords } from './embedded-tail.ts'
import { LogSpace } from './log-space.ts'
import { decodeRecord, encodeRecord, type StoredRecord } from './record-codec.ts'
import { SharedTurn } from './shared-turn.ts'

export interface EmbeddedLogOptions {
  /** Largest record in bytes. Default 8 MiB. */
  readonly recordBytesMax?: number
  /** Bytes of records held above which appends fail with `log_full`. Default 8 GiB. */
  readonly bytesMax?: number
  /**
   * Bytes that must stay free on the disk; below, appends fail with `log_full`, so that trimming
   * and the store still have room to work. Default 64 MiB; 0: appends until the disk is really
   * full.
   */
  readonly freeBytesMin?: number
  /** Position of the first record of a log that does not exist yet. Default 1. */
  readonly firstPosition?: number
}

interface PendingAppend {
  readonly data: Uint8Array
  readonly expectedLast: number | undefined
  readonly resolve: (position: number) => void
  readonly reject: (error: unknown) => void
}

interface PlacedAppend {
  readonly append: PendingAppend
  readonly record: StoredRecord
  readonly stored: Buffer
}

/**
 * Bytes that one transaction may carry: a commit must stay short, for everything behind it waits.
 */
/** Size of a log that nobody has given one, bytes. */
export const logBytesDefault = 8 * 1024 ** 3
const commitBytesMax = 16 * 1024 * 1024
const trimmedAtOnce = 1000
/**
 * Records looked at when a log is opened, the newest: a fifth of a second for that many small ones.
 */
const checkedMax = 100_000
const settings = { identity: 'identity', first: 'first', last: 'last' }
const codes = { full: 'log_full', failed: 'log_unavailable' } as const

/**
 * A log in one LMDB file. An append resolves when its transaction is on disk, and only then do
 * tails see it; so whatever a tail has seen survives kill -9, and a power cut as far as the disk
 * keeps what it has confirmed.
 *
 * Appends that arrive while a transaction is being written make up the next one (group commit
 * without a timer). One transaction is in flight at a time, so positions are given out knowing
 * exactly what is stored; a failed one leaves no gap.
 */
export class EmbeddedLog implements Log, HeldRecords {
  readonly recordBytesMax: number
  readonly #environment: EmbeddedEnvironment
  readonly #name: string
  readonly #clock: Clock
  readonly #root: RootDatabase<unknown, string>
  readonly #records: Database<Buffer, number>
  readonly #space: LogSpace
  readonly #tails = new Set<EmbeddedTail>()
  readonly #turn: SharedTurn
  #identity = ''
  #first = 1
  #last = 0
  /**
   * The records of the newest transaction: tails that keep up read them here instead of from disk.
   * Invariant: they end at `#last`.
   */
  #newest: readonly LogRecord[] = []
  #queue: PendingAppend[] = []
  #writing: Promise<void> | undefined
  #trimming: Promise<void> = Promise.resolve()
  #closed = false

  /** @throws GridError `configuration_invalid`, `format_unsupported` */
  constructor(
    environment: EmbeddedEnvironment,
    name: string,
    clock: Clock,
    options: EmbeddedLogOptions = {},
  ) {
    this.#environment = environment
    this.#name = name
    this.#clock = clock
    this.#turn = new SharedTurn(clock)
    this.#root = environment.open(name)
    this.#records = this.#root.openDB<Buffer, number>('records', { encoding: 'binary' })
    this.recordBytesMax = options.recordBytesMax ?? 8 * 1024 * 1024
    this.#space = new LogSpace(clock, () => environment.freeBytes(), {
      bytesMax: options.bytesMax ?? logBytesDefault,
      freeBytesMin: options.freeBytesMin ?? 64 * 1024 ** 2,
    })
    try {
      this.#recover(options.firstPosition ?? 1)
    } catch (error) {
      if (isGridError(error)) throw error
      throw environment.damaged(name, 'its content cannot be read', error)
    }
  }

  get filled(): number {
    return this.#space.filled
  }

  append(data: Uint8Array, options: AppendOptions = {}): Promise<number> {
    if (data.length > this.recordBytesMax)
      return Promise.reject(
        new GridError('record_too_large', `A record takes at most ${this.recordBytesMax} bytes`),
      )
    if (this.#closed) return Promise.reject(this.#closedError())
    return new Promise((resolve, reject) => {
      this.#queue.push({ data, expectedLast: options.expectedLast, resolve, reject })
      this.#writing ??= this.#writeQueue()
    })
  }

  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    const tail = new EmbeddedTail(this.#clock, this.#turn, this, after, listener, timeSeen)
    this.#tails.add(tail)
    this.#clock.soon(() => {
      if (this.#tails.has(tail)) listener.connected?.(true)
    })
    return {
      stop: async () => {
        tail.end()
        this.#tails.delete(tail)
      },
    }
  }

  async bounds(): Promise<LogBounds> {
    return this.held()
  }

  async read(position: number): Promise<LogRecord | undefined> {
    return this.recordAt(position)
  }

  trim(position: number): Promise<void> {
    const trimmed = this.#trimming.then(() => this.#trim(Math.min(position, this.#last + 1)))
    // A trim that failed has been reported to who asked for it; the next one tries again.
    this.#trimming = trimmed.catch(() => {})
    return trimmed
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const tail of this.#tails) tail.end()
    this.#tails.clear()
    await this.#writing
    await this.#trimming
    await this.#environment.closeFile(this.#name)
  }

  held(): LogBounds {
    const { heldBytes: bytes } = this.#space
    return { identity: this.#identity, first: this.#first, last: this.#last, bytes }
  }

  recordAt(position: number): LogRecord | undefined {
    if (position < this.#first || position > this.#last) return undefined
    const newest = this.#newest[position - 1 - (this.#last - this.#newest.length)]
    if (newest) return newest
    return this.#stored(position)
  }

  #stored(position: number): StoredRecord | undefined {
    const bytes = this.#records.getBinary(position)
    return bytes && this.#decoded(position, bytes)
  }

  #decoded(position: number, bytes: Buffer): StoredRecord {
    try {
      return decodeRecord(position, bytes)
    } catch (error) {
      if (!isGridError(error)) throw error
      const what = `the record at position ${position} is not as it was written`
      throw this.#environment.damaged(this.#name, what, error)
    }
  }

  /**
   * Whoever starts should hear of damage then, and not in the middle of something. What is beyond
   * `checkedMax` is looked at when it is read.
   */
  #check(): void {
    const from = Math.max(this.#first, this.#last - checkedMax + 1)
    let expected = from
    for (const { key, value } of this.#records.getRange({ start: from })) {
      this.#decoded(key, value)
      if (key !== expected++)
        throw this.#environment.damaged(
          this.#name,
          `the record at position ${expected - 1} is missing`,
        )
    }
  }

  #recover(firstPosition: number): void {
    const identity = this.#root.get(settings.identity)
    if (identity === undefined) {
      // The identity comes last: with it the log is made.
      this.#root.putSync(settings.first, firstPosition)
      this.#root.putSync(settings.identity, randomUUID())
    }
    this.#identity = String(this.#root.get(settings.identity))
    this.#first = Number(this.#root.get(settings.first) ?? 1)
    const [last] = this.#records.getKeys({ reverse: true, limit: 1 })
    this.#last = last ?? this.#first - 1
    const known = Number(this.#root.get(settings.last) ?? this.#last)
    if (known > this.#last)
      throw this.#environment.damaged(this.#name, `the records behind ${this.#last} are missing`)
    this.#check()
    this.#space.recover(this.#stored(this.#first), this.#stored(this.#last))
  }

  async #writeQueue(): Promise<void> {
    // One microtask later, so that appends of the same turn share the first transaction.
    await undefined
    while (this.#queue.length > 0) {
      const placed = this.#place()
      if (placed.length === 0) continue
      try {
        await this.#write(placed)
      } catch (error) {
        for (const { append } of placed) append.reject(error)
        continue
      }
      for (const { append, record } of placed) append.resolve(record.position)
      for (const tail of this.#tails) tail.wake()
    }
    this.#writing = undefined
  }

  /**
   * Takes appends from the queue, as many as one transaction may carry, and gives each its
   * position, or its refusal.
   */
  #place(): PlacedAppend[] {
    const time = this.#clock.now()
    const placed: PlacedAppend[] = []
    let position = this.#last
    let endBytes = this.#space.endBytes
    let taken = 0
    for (let bytes = 0; taken < this.#queue.length && bytes < commitBytesMax; taken++) {
      const append = this.#queue[taken]!
      const { data, expectedLast } = append
      const size = this.#space.sizeOf(data)
      if (expectedLast !== undefined && expectedLast !== position) {
        append.reject(
          new GridError('fenced', `The last position is ${position}, not ${expectedLast}`),
        )
      } else if (!this.#space.hasRoom(endBytes + size)) {
        append.reject(new GridError('log_full', `The log ${this.#name} is full`))
      } else {
        bytes += size
        endBytes += size
        position++
        // Tails are given this copy, not the caller's bytes, which are its own again once the
        // append has resolved.
        const stored = encodeRecord(time, endBytes, data)
        placed.push({ append, record: decodeRecord(position, stored), stored })
      }
    }
    this.#queue = this.#queue.slice(taken)
    return placed
  }

  async #write(placed: readonly PlacedAppend[]): Promise<void> {
    const transaction = this.#root.batch(() => {
      for (const { record, stored } of placed) this.#records.put(record.position, stored)
      this.#root.put(settings.last, placed.at(-1)?.record.position)
    })
    await this.#environment.commit(transaction, codes)
    const { position, endBytes } = placed.at(-1)!.record
    this.#newest = placed.map(({ record }) => record)
    this.#last = position
    this.#space.endBytes = endBytes
  }

  /**
   * Step by step, for one large transaction would hold up appends. Each step moves the beginning
   * along with what it removes.
   */
  async #trim(to: number): Promise<void> {
    if (this.#closed) throw this.#closedError()
    for (let from = this.#first; from < to; from = this.#first) {
      const until = Math.min(from + trimmedAtOnce, to)
      const transaction = this.#root.batch(() => {
        for (let position = from; position < until; position++) this.#records.remove(position)
        this.#root.put(settings.first, until)
      })
      await this.#environment.commit(transaction, codes)
      this.#first = until
      this.#space.startAt(this.#stored(until))
    }
  }

  #closedError(): GridError {
    return new GridError('log_unavailable', `The log ${this.#name} has been closed`)
  }
}
