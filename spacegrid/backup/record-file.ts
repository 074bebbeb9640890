import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { GridError } from '@spacegrid/grid/core/errors'
import { EmbeddedTail, type HeldRecords } from '@spacegrid/grid/drivers/embedded/embedded-tail'
import { decodeRecord, encodeRecord } from '@spacegrid/grid/drivers/embedded/record-codec'
import { SharedTurn } from '@spacegrid/grid/drivers/embedded/shared-turn'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '@spacegrid/grid/engine/ports/log'

/** What every record has before it: its length, 4 bytes, little-endian. */
const lengthBytes = 4
const recordBytesMax = 64 * 1024 * 1024
/** Records whose place is remembered are about so far from each other. */
const markEveryBytes = 64 * 1024
const blockBytes = 1024 * 1024

export interface RecordFileOptions {
  /** Of the log that the records are of. */
  readonly identity: string
  /** Position of the first record. */
  readonly first: number
  /** So much of the file counts; what is behind has been left by whoever was interrupted. */
  readonly bytes: number
  /** What is behind is cut off, and more may be written. Default: it is only read. */
  readonly writable?: boolean
}

/** Where a record begins. */
interface Mark {
  readonly position: number
  readonly offset: number
}

/**
 * Records of a log, or of the snapshots that are kept of a space, in one file: a log that is read
 * as any other is, and that only a backup appends to. Each record is its length and the record as
 * the embedded grid's log has it: sealed by a checksum, with its time. What is not as it was
 * written is `record_damaged`; opening it reads and checks all of it once. Memory: some bytes for
 * each 64 KiB.
 */
export class RecordFile implements Log, HeldRecords {
  readonly recordBytesMax = recordBytesMax
  readonly #path: string
  readonly #file: number
  readonly #clock: Clock
  readonly #turn: SharedTurn
  readonly #identity: string
  readonly #first: number
  #last: number
  /** Of the first record and of some behind it, in their order. */
  readonly #marks: Mark[] = []
  /** Behind the record that was read last: the next one is often asked for next. */
  #next: Mark
  #block: { readonly offset: number; readonly bytes: Buffer } = {
    offset: 0,
    bytes: Buffer.alloc(0),
  }
  /** Of what was appended and is not in the file yet. */
  #unwritten: Buffer[] = []
  #unwrittenBytes = 0
  #bytes = 0

  /** @throws GridError `record_damaged` */
  constructor(path: string, clock: Clock, options: RecordFileOptions) {
    const { identity, first, bytes, writable = false } = options
    this.#path = path
    this.#clock = clock
    this.#turn = new SharedTurn(clock)
    this.#identity = identity
    this.#first = first
    this.#last = first - 1
    this.#next = { position: first, offset: 0 }
    this.#file = openSync(path, writable ? 'a+' : 'r')
    const held = fstatSync(this.#file).size
    if (held < bytes) throw this.#damaged(`it has ${held} bytes, not ${bytes}`)
    if (writable && held > bytes) ftruncateSync(this.#file, bytes)
    this.#checkAll(bytes)
  }

  get bytes(): number {
    return this.#bytes
  }

  get last(): number {
    return this.#last
  }

  /** Puts a record of another log behind the last one, at the same position as there. */
  copy({ position, time, data }: LogRecord): void {
    if (position !== this.#last + 1)
      throw new Error(`${this.#path} ends at ${this.#last}: ${position} does not follow`)
    this.#mark(position)
    const record = encodeRecord(time, this.#bytes, data)
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32LE(record.length)
    this.#unwritten.push(length, record)
    this.#unwrittenBytes += lengthBytes + record.length
    this.#bytes += lengthBytes + record.length
    this.#last = position
    if (this.#unwrittenBytes > blockBytes) this.#write()
  }

  async append(data: Uint8Array, { expectedLast }: AppendOptions = {}): Promise<number> {
    if (expectedLast !== undefined && expectedLast !== this.#last)
      throw new GridError('fenced', `${this.#path} ends at ${this.#last}, not at ${expectedLast}`)
    this.copy({ position: this.#last + 1, time: this.#clock.now(), data })
    return this.#last
  }

  /** What was appended is on the disk. */
  sync(): void {
    this.#write()
    fsyncSync(this.#file)
  }

  held(): LogBounds {
    return { identity: this.#identity, first: this.#first, last: this.#last, bytes: this.#bytes }
  }

  async bounds(): Promise<LogBounds> {
    return this.held()
  }

  recordAt(position: number): LogRecord | undefined {
    if (position < this.#first || position > this.#last) return undefined
    this.#write()
    let { position: at, offset } = this.#before(position)
    for (; at < position; at++) offset += lengthBytes + this.#lengthAt(offset)
    const length = this.#lengthAt(offset)
    this.#next = { position: position + 1, offset: offset + lengthBytes + length }
    return this.#decoded(position, this.#bytesAt(offset + lengthBytes, length))
  }

  async read(position: number): Promise<LogRecord | undefined> {
    return this.recordAt(position)
  }

  tail(after: number, listener: LogListener): LogTail {
    const tail = new EmbeddedTail(this.#clock, this.#turn, this, after, listener, undefined)
    return { stop: async () => tail.end() }
  }

  async trim(): Promise<void> {
    throw new GridError('configuration_invalid', `${this.#path}: nothing is taken out of a backup`)
  }

  async close(): Promise<void> {
    this.#write()
    closeSync(this.#file)
  }

  #checkAll(bytes: number): void {
    while (this.#bytes < bytes) {
      const position = this.#last + 1
      this.#mark(position)
      const length = this.#lengthAt(this.#bytes)
      const end = this.#bytes + lengthBytes + length
      if (end > bytes) throw this.#damaged(`its record ${position} is cut short`)
      this.#decoded(position, this.#bytesAt(this.#bytes + lengthBytes, length))
      this.#bytes = end
      this.#last = position
    }
  }

  #mark(position: number): void {
    const before = this.#marks.at(-1)
    if (!before || this.#bytes - before.offset >= markEveryBytes)
      this.#marks.push({ position, offset: this.#bytes })
  }

  /** The nearest place that is known, at a record or before it. */
  #before(position: number): Mark {
    if (this.#next.position === position) return this.#next
    let [low, high] = [0, this.#marks.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#marks[middle] as Mark).position <= position) low = middle
      else high = middle
    }
    return this.#marks[low] as Mark
  }

  #lengthAt(offset: number): number {
    const length = this.#bytesAt(offset, lengthBytes).readUInt32LE()
    if (length > 2 * recordBytesMax) throw this.#damaged('a record has no such length')
    return length
  }

  #bytesAt(offset: number, length: number): Buffer {
    const { offset: start, bytes } = this.#block
    if (offset >= start && offset + length <= start + bytes.length)
      return bytes.subarray(offset - start, offset - start + length)
    // Records that were read are views of the block that they were read in.
    const block = Buffer.allocUnsafe(Math.max(length, blockBytes))
    const read = readSync(this.#file, block, 0, block.length, offset)
    if (read < length) throw this.#damaged('it is cut short')
    this.#block = { offset, bytes: block.subarray(0, read) }
    return block.subarray(0, length)
  }

  #decoded(position: number, bytes: Buffer): LogRecord {
    try {
      const { time, data } = decodeRecord(position, bytes)
      return { position, time, data }
    } catch (error) {
      throw this.#damaged(`its record ${position} is not as it was written`, error)
    }
  }

  #write(): void {
    if (this.#unwritten.length === 0) return
    const bytes = Buffer.concat(this.#unwritten)
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
    this.#unwritten = []
    this.#unwrittenBytes = 0
    this.#block = { offset: 0, bytes: Buffer.alloc(0) }
  }

  #damaged(what: string, cause?: unknown): GridError {
    return new GridError('record_damaged', `${this.#path}: ${what}`, { cause })
  }
}
