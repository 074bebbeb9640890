import type { PackedEntries } from '../ports/store.ts'
import { messagePack } from './message-pack.ts'
import { nextCache } from './snapshot-codec.ts'

const float64 = 0xcb
/** Shorter ones are copied faster byte by byte than by a call. */
const longBytes = 48

/** The field names of values, as they stand before each field where entries are stored. */
export interface PackedShape {
  readonly number: number
  readonly names: readonly string[]
  readonly fields: readonly Uint8Array[]
}

/** Writes entries of one cache as a piece of a snapshot holds them (`writeChanges`), in bytes. */
export class PackedPiece {
  readonly cache: string
  #out: Buffer
  #at = 0
  #entries = 0
  #items = 0
  readonly #shapes: PackedShape[] = []
  readonly #byNames = new Map<string, PackedShape>()

  /** `bytes`: of all that will be written, if that is known. */
  constructor(cache: string, bytes: number) {
    this.cache = cache
    this.#out = Buffer.allocUnsafe(bytes)
  }

  /** Before the first byte of something: so many have room then. */
  makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#out.byteLength) return
    const more = Buffer.allocUnsafe(2 * this.#out.byteLength + bytes)
    more.set(this.#out.subarray(0, this.#at))
    this.#out = more
  }

  /** `fields`: what tells the names apart where they are read. */
  shapeOf(names: readonly string[], fields: readonly Uint8Array[]): PackedShape {
    const id = JSON.stringify(names)
    let shape = this.#byNames.get(id)
    if (!shape) {
      shape = { number: this.#shapes.length, names, fields }
      this.#shapes.push(shape)
      this.#byNames.set(id, shape)
    }
    return shape
  }

  copy(from: Uint8Array, start: number, end: number): void {
    const out = this.#out
    let at = this.#at
    if (end - start > longBytes) out.set(from.subarray(start, end), at)
    else for (let i = start; i < end; i++) out[at++] = from[i] as number
    this.#at += end - start
  }

  writeByte(byte: number): void {
    this.#out[this.#at++] = byte
  }

  writeText(utf8: Uint8Array, start: number, end: number): void {
    const bytes = end - start
    const head = textHead(bytes)
    if (head === 1) this.#out[this.#at++] = 0xa0 | bytes
    else {
      this.#out[this.#at++] = 0xd9 + Math.log2(head - 1)
      this.#out.writeUIntBE(bytes, this.#at, head - 1)
      this.#at += head - 1
    }
    this.copy(utf8, start, end)
  }

  /** From 0 on, below 2^32. */
  writeCount(count: number): void {
    if (count < 0x80) this.#out[this.#at++] = count
    else {
      this.#out[this.#at] = 0xce
      this.#at = this.#out.writeUInt32BE(count, this.#at + 1)
    }
  }

  writeNumber(value: number): void {
    if (value >>> 0 === value) this.writeCount(value)
    else {
      this.#out[this.#at] = float64
      this.#at = this.#out.writeDoubleBE(value, this.#at + 1)
    }
  }

  /** One entry has been written: version, position, key, number of its shape, fields. */
  entryEnds(fields: number): void {
    this.#items += 4 + fields
    this.#entries++
  }

  end(): PackedEntries {
    const names = this.#shapes.map((shape) => shape.names)
    const head = Buffer.concat([names, nextCache, this.cache].map((it) => messagePack.pack(it)))
    return {
      cache: this.cache,
      entries: this.#entries,
      items: 3 + this.#items,
      parts: [head, this.#out.subarray(0, this.#at)],
    }
  }
}

/** Bytes before those of a text. */
export const textHead = (bytes: number): number =>
  bytes < 0x20 ? 1 : bytes < 0x100 ? 2 : bytes < 0x10000 ? 3 : 5

/** Whether these bytes stand there. */
export function isAt(record: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.byteLength; i++) if (record[at + i] !== bytes[i]) return false
  return true
}
