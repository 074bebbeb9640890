import { PrefixHash } from '../../core/hash.ts'
import type { PackedEntries } from '../ports/store.ts'
import { entryFormat, namePrefix } from './entry-codec.ts'
import { messagePack } from './message-pack.ts'
import { itemEnd } from './packed-bytes.ts'
import { isAt, PackedPiece, type PackedShape, textHead } from './packed-piece.ts'
import { isSealedAs, sealBytes } from './seal.ts'

/** How a sealed entry begins, and what stands before its other parts: see `encodeEntry`. */
const beforeValue = Buffer.concat([Buffer.from([0x84]), messagePack.pack('value')])
const beforeVersion = messagePack.pack('version')
const beforePosition = messagePack.pack('position')
const beforeName = messagePack.pack('of')

const float64 = 0xcb
/** What an entry takes at most beside its key and its record. */
const entryRoom = 40

/**
 * Puts stored entries of one cache into the form in which a snapshot carries them, from bytes to
 * bytes: a fifth of what it takes to make values of them and to take those apart again. Everything
 * is checked that `decodeEntry` checks: the seal, what the bytes announce, whose entry it is.
 */
export class EntryPacker {
  readonly #names: PrefixHash
  readonly #piece: PackedPiece
  #shape: PackedShape | undefined
  /** Where the fields of the present value begin and end. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  /** `bytes`: of all that will be added, if that is known. */
  constructor(cache: string, bytes: number) {
    this.#names = new PrefixHash(namePrefix(cache))
    this.#piece = new PackedPiece(cache, bytes)
  }

  /**
   * False: the record is damaged, or written in another way than this version writes; it has to be
   * decoded, and so have all that were added before.
   */
  add(key: Buffer, record: Buffer): boolean {
    if (!isSealedAs(entryFormat, record) || !isAt(record, sealBytes, beforeValue)) return false
    try {
      return this.#add(key, record, sealBytes + beforeValue.byteLength)
    } catch {
      // Whoever decodes it says what is wrong.
      return false
    }
  }

  end(): PackedEntries {
    return this.#piece.end()
  }

  #add(key: Buffer, record: Buffer, valueAt: number): boolean {
    const count = fieldsAt(record, valueAt)
    const fieldsFrom = valueAt + (count < 16 ? 1 : 3)
    let shape = this.#shape
    let at = shape?.fields.length === count ? this.#walk(record, fieldsFrom, shape) : -1
    if (!shape || at < 0) {
      shape = this.#shapeOf(record, fieldsFrom, count)
      this.#shape = shape
      at = this.#walk(record, fieldsFrom, shape)
    }
    if (at < 0 || !isAt(record, at, beforeVersion)) return false
    const versionAt = at + beforeVersion.byteLength
    const versionEnd = countEnd(record, versionAt)
    if (versionEnd < 0 || !isAt(record, versionEnd, beforePosition)) return false
    const positionAt = versionEnd + beforePosition.byteLength
    const positionEnd = countEnd(record, positionAt)
    if (positionEnd < 0 || !isAt(record, positionEnd, beforeName)) return false
    const nameAt = positionEnd + beforeName.byteLength
    if (record[nameAt] !== float64 || nameAt + 9 !== record.byteLength) return false
    if (record.readDoubleBE(nameAt + 1) !== this.#names.of(key)) return false
    const piece = this.#piece
    piece.makeRoom(record.byteLength + key.byteLength + entryRoom)
    piece.copy(record, versionAt, versionEnd)
    piece.copy(record, positionAt, positionEnd)
    this.#writeKey(key, record, count)
    piece.writeCount(shape.number)
    for (let i = 0; i < count; i++)
      piece.copy(record, this.#starts[i] as number, this.#ends[i] as number)
    piece.entryEnds(count)
    return true
  }

  /** Finds the fields of a value; returns the place behind it, or -1: it has another shape. */
  #walk(record: Buffer, from: number, { fields }: PackedShape): number {
    let at = from
    for (let i = 0; i < fields.length; i++) {
      const name = fields[i] as Uint8Array
      if (!isAt(record, at, name)) return -1
      at += name.byteLength
      this.#starts[i] = at
      at = endOf(record, at)
      this.#ends[i] = at
    }
    return at
  }

  #shapeOf(record: Buffer, from: number, count: number): PackedShape {
    const names: string[] = []
    const fields: Uint8Array[] = []
    let at = from
    for (let i = 0; i < count; i++) {
      const end = endOf(record, at)
      const bytes = new Uint8Array(record.subarray(at, end))
      const name = messagePack.unpack(bytes)
      if (typeof name !== 'string') throw new TypeError('a field has no name')
      names.push(name)
      fields.push(bytes)
      at = endOf(record, end)
    }
    return this.#piece.shapeOf(names, fields)
  }

  /** Where among the fields the key stands, or the key itself. */
  #writeKey(key: Buffer, record: Buffer, count: number): void {
    const { byteLength } = key
    for (let i = 0; i < count; i++) {
      const start = this.#starts[i] as number
      const head = (this.#ends[i] as number) - start - byteLength
      const isAlike =
        head === textHead(byteLength) &&
        isText(record, start, byteLength) &&
        isAt(record, start + head, key)
      if (!isAlike) continue
      this.#piece.writeCount(i)
      return
    }
    this.#piece.writeText(key, 0, byteLength)
  }
}

/** Of a map. */
function fieldsAt(record: Buffer, at: number): number {
  const first = record[at] as number
  if (first >= 0x80 && first < 0x90) return first & 0x0f
  if (first === 0xde) return record.readUInt16BE(at + 1)
  throw new TypeError('a value is no map')
}

/** The end of an item of any kind. Most are short. @throws when it does not end in the record */
function endOf(record: Buffer, at: number): number {
  const first = record[at] as number
  let end = 0
  if (first < 0x80 || first >= 0xe0 || (first >= 0xc0 && first <= 0xc3 && first !== 0xc1))
    end = at + 1
  else if (first >= 0xa0 && first < 0xc0) end = at + 1 + (first & 0x1f)
  else if (first === 0xd9) end = at + 2 + (record[at + 1] as number)
  else if (first >= 0xcc && first <= 0xce) end = at + 1 + (1 << (first - 0xcc))
  else if (first === float64) end = at + 9
  else return itemEnd(record, at)
  if (end <= record.byteLength) return end
  throw new RangeError('it is cut short')
}

/** The end of a whole number from 0 on; -1: it is none. */
function countEnd(record: Buffer, at: number): number {
  const first = record[at] as number
  if (first < 0x80) return at + 1
  if (first >= 0xcc && first <= 0xce) return at + 1 + (1 << (first - 0xcc))
  if (first !== float64) return -1
  const count = record.readDoubleBE(at + 1)
  return Number.isSafeInteger(count) && count >= 0 ? at + 9 : -1
}

/** Whether a text of so many bytes begins there: it may be bytes, or an extension. */
function isText(record: Buffer, at: number, bytes: number): boolean {
  const first = record[at] as number
  return bytes < 0x20 ? first === (0xa0 | bytes) : first >= 0xd9 && first <= 0xdb
}
