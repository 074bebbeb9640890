import type { Clock } from '../../engine/ports/clock.ts'
import type { StoredRecord } from './record-codec.ts'

export interface LogSpaceOptions {
  /** Bytes of records held at most. */
  readonly bytesMax: number
  /** Bytes to be left free on the disk. 0: the disk is not asked. */
  readonly freeBytesMin: number
}

/** What a record takes beside its data: header, key, its share of the tree. */
const overheadBytes = 64
/** The disk is asked this often at most; in between, less is written than what must stay free. */
const diskCheckMs = 100

/** Counts what a log takes and says whether it may take more. */
export class LogSpace {
  /** Size of all records ever counted; the next record's `endBytes` is this and its size. */
  endBytes = 0
  #startBytes = 0
  readonly #clock: Clock
  readonly #freeBytes: () => number
  readonly #options: LogSpaceOptions
  #diskHasRoom = true
  #diskCheckedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, freeBytes: () => number, options: LogSpaceOptions) {
    this.#clock = clock
    this.#freeBytes = freeBytes
    this.#options = options
  }

  /** Takes up counting where the stored log has left off. Both are undefined for an empty one. */
  recover(first: StoredRecord | undefined, last: StoredRecord | undefined): void {
    this.endBytes = last?.endBytes ?? 0
    this.startAt(first)
  }

  /** Everything before `first` has been removed; undefined: everything. */
  startAt(first: StoredRecord | undefined): void {
    this.#startBytes = first ? first.endBytes - this.sizeOf(first.data) : this.endBytes
  }

  /** Of the records that are held. */
  get heldBytes(): number {
    return this.endBytes - this.#startBytes
  }

  /** Share of what may be held. */
  get filled(): number {
    return this.heldBytes / this.#options.bytesMax
  }

  sizeOf(data: Uint8Array): number {
    return data.length + overheadBytes
  }

  /** Whether the log may grow up to this `endBytes`. */
  hasRoom(endBytes: number): boolean {
    return endBytes - this.#startBytes <= this.#options.bytesMax && this.#isDiskRoomy()
  }

  #isDiskRoomy(): boolean {
    const { freeBytesMin } = this.#options
    const now = this.#clock.monotonic()
    if (freeBytesMin > 0 && now - this.#diskCheckedAt >= diskCheckMs) {
      this.#diskCheckedAt = now
      this.#diskHasRoom = this.#freeBytes() >= freeBytesMin
    }
    return this.#diskHasRoom
  }
}
