import { BSON } from 'mongodb'
import { type MixedName, mixedName, StoredHash } from '../../engine/agreement/fingerprint.ts'
import type { PackedEntries } from '../../engine/ports/store.ts'
import { messagePack } from '../../engine/wire/message-pack.ts'
import { isAt, PackedPiece, type PackedShape } from '../../engine/wire/packed-piece.ts'
import { hashedAs, restored, type Share, storedField } from './mongo-document.ts'

/** The types of BSON that are read here; of others the driver makes values. */
const double = 0x01
const text = 0x02
const object = 0x03
const list = 0x04
const binary = 0x05
const boolean = 0x08
const date = 0x09
const none = 0x0a
const int32 = 0x10

const cstring = (name: string): Buffer => Buffer.from(`${name}\0`)

const id = cstring('_id')
const grid = cstring('_grid')
const position = cstring('position')
const version = cstring('version')
const hash = cstring('hash')
const partition = cstring('partition')

/** Names that begin so have another one where they are packed: `message-pack.ts`. */
const renamed = '__proto_'
const renamedBytes = Buffer.from(renamed)

/** What an entry takes at most beside its document: a number takes a byte more, three are new. */
const entryRoom = 40

const names = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** A shape whose names are what stands behind the type of each field, and end with a zero. */
interface DocumentShape {
  readonly packed: PackedShape
  readonly mixed: readonly MixedName[]
}

/**
 * Puts documents of one cache into the form in which a snapshot carries their entries, from the
 * bytes that MongoDB has sent: a third of what it takes to make objects of them, to hash those and
 * to take them apart again. Everything is checked that `fromDocument` checks: the hash over all of
 * it, whose document it is, that texts are UTF-8.
 */
export class DocumentPacker {
  readonly #piece: PackedPiece
  readonly #hash: StoredHash
  readonly #partition: number | undefined
  readonly #prefix: Buffer
  readonly #shapes = new Map<PackedShape, DocumentShape>()
  #shape: DocumentShape | undefined
  /** Where the types of the present document's fields stand, and where the fields begin and end. */
  readonly #types: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  /** Of the number that was read last. */
  #behind = 0

  /** `bytes`: of all that will be added, if that is known. */
  constructor(cache: string, share: Share | undefined, bytes: number) {
    this.#piece = new PackedPiece(cache, bytes)
    this.#hash = new StoredHash(hashedAs(cache, share))
    this.#partition = share?.partition
    this.#prefix = Buffer.from(share?.prefix ?? '')
  }

  /**
   * False: the document is damaged, has left memory, or is written in another way than this version
   * writes most; it has to be decoded, and so have all that were added before.
   */
  add(document: Uint8Array): boolean {
    try {
      return this.#add(document)
    } catch {
      // Whoever decodes it says what is wrong.
      return false
    }
  }

  end(): PackedEntries {
    return this.#piece.end()
  }

  #add(document: Uint8Array): boolean {
    const bytes = document.byteLength
    if (bytes < 5 || int32At(document, 0) !== bytes || document[bytes - 1] !== 0) return false
    if (document[4] !== text || !isAt(document, 5, id)) return false
    const idAt = 5 + id.byteLength
    const fieldsAt = endOf(document, text, idAt)
    const keyAt = idAt + 4 + this.#prefix.byteLength
    const keyEnd = fieldsAt - 1
    if (keyAt > keyEnd || !isAt(document, idAt + 4, this.#prefix)) return false
    let shape = this.#shape
    let gridAt = shape ? this.#walk(document, fieldsAt, shape.packed) : -1
    if (!shape || gridAt < 0) {
      shape = this.#shapeOf(document, fieldsAt)
      if (!shape) return false
      this.#shape = shape
      gridAt = this.#walk(document, fieldsAt, shape.packed)
      if (gridAt < 0) return false
    }
    return this.#addFields(document, shape, gridAt, keyAt, keyEnd)
  }

  #addFields(
    document: Uint8Array,
    { packed, mixed }: DocumentShape,
    gridAt: number,
    keyAt: number,
    keyEnd: number,
  ): boolean {
    const end = document.byteLength - 1
    if (gridAt + int32At(document, gridAt) !== end || document[end - 1] !== 0) return false
    const atPosition = this.#numberAfter(document, gridAt + 4, position)
    const atVersion = this.#numberAfter(document, this.#behind, version)
    const stored = this.#numberAfter(document, this.#behind, hash)
    const own = this.#partition
    if (own !== undefined && this.#numberAfter(document, this.#behind, partition) !== own)
      return false
    if (this.#behind !== end - 1 || !isCount(atPosition) || !isCount(atVersion)) return false
    const piece = this.#piece
    piece.makeRoom(document.byteLength + entryRoom)
    piece.writeNumber(atVersion)
    piece.writeNumber(atPosition)
    const place = this.#placeOf(document, keyAt, keyEnd)
    if (place < 0) piece.writeText(document, keyAt, keyEnd)
    else piece.writeCount(place)
    piece.writeCount(packed.number)
    this.#hash.begin(document, keyAt, keyEnd)
    const fields = mixed.length
    for (let i = 0; i < fields; i++) {
      const name = mixed[i] as MixedName
      if (!this.#addField(document, name, this.#types[i] as number, i)) return false
    }
    piece.entryEnds(fields)
    return this.#hash.of(atVersion, atPosition) === stored
  }

  #addField(document: Uint8Array, name: MixedName, type: number, i: number): boolean {
    const [piece, hash] = [this.#piece, this.#hash]
    const start = this.#starts[i] as number
    if (type === text) {
      const end = (this.#ends[i] as number) - 1
      hash.addText(name, document, start + 4, end)
      piece.writeText(document, start + 4, end)
    } else if (type === int32 || type === double) {
      const value = type === int32 ? int32At(document, start) : doubleAt(document, start)
      hash.addNumber(name, value)
      piece.writeNumber(value)
    } else if (type === boolean) {
      hash.addValue(name, document[start] === 1)
      piece.writeByte(document[start] === 1 ? 0xc3 : 0xc2)
    } else if (type === none) {
      hash.addValue(name, null)
      piece.writeByte(0xc0)
    } else return this.#addOther(document, name, type, i)
    return true
  }

  /** What is put together of other things the driver and MessagePack know. */
  #addOther(document: Uint8Array, name: MixedName, type: number, i: number): boolean {
    const value = restored(
      driverValue(type, document, this.#starts[i] as number, this.#ends[i] as number),
    )
    const bytes = messagePack.pack(value)
    if (bytes.includes(renamedBytes)) return false
    this.#hash.addValue(name, value)
    const piece = this.#piece
    piece.makeRoom(bytes.byteLength + document.byteLength + entryRoom)
    piece.copy(bytes, 0, bytes.byteLength)
    return true
  }

  /** Finds the fields of a document; returns the place of `_grid`, or -1: it has another shape. */
  #walk(document: Uint8Array, from: number, { fields }: PackedShape): number {
    let at = from
    for (let i = 0; i < fields.length; i++) {
      const name = fields[i] as Uint8Array
      if (!isAt(document, at + 1, name)) return -1
      const type = document[at] as number
      at += 1 + name.byteLength
      this.#types[i] = type
      this.#starts[i] = at
      at = endOf(document, type, at)
      this.#ends[i] = at
    }
    return document[at] === object && isAt(document, at + 1, grid) ? at + 1 + grid.byteLength : -1
  }

  /** undefined: a name in it is another one in the value, or there is no end. */
  #shapeOf(document: Uint8Array, from: number): DocumentShape | undefined {
    const found: string[] = []
    const fields: Uint8Array[] = []
    let at = from
    while (!isAt(document, at + 1, grid)) {
      const nameEnd = document.indexOf(0, at + 1)
      if (nameEnd < 0 || document[at] === 0) return undefined
      const name = names.decode(document.subarray(at + 1, nameEnd))
      if (storedField(name) !== name || name.startsWith(renamed)) return undefined
      found.push(name)
      fields.push(new Uint8Array(document.subarray(at + 1, nameEnd + 1)))
      at = endOf(document, document[at] as number, nameEnd + 1)
    }
    const packed = this.#piece.shapeOf(found, fields)
    let shape = this.#shapes.get(packed)
    if (!shape) {
      shape = { packed, mixed: found.map(mixedName) }
      this.#shapes.set(packed, shape)
    }
    return shape
  }

  /** Where among the fields the key stands; -1: nowhere. */
  #placeOf(document: Uint8Array, keyAt: number, keyEnd: number): number {
    const bytes = keyEnd - keyAt
    const fields = (this.#shape as DocumentShape).mixed.length
    for (let i = 0; i < fields; i++) {
      const start = (this.#starts[i] as number) + 4
      if (this.#types[i] !== text || (this.#ends[i] as number) - 1 - start !== bytes) continue
      let same = 0
      while (same < bytes && document[start + same] === document[keyAt + same]) same++
      if (same === bytes) return i
    }
    return -1
  }

  /** NaN: that is no number, or none of this name. */
  #numberAfter(document: Uint8Array, at: number, name: Buffer): number {
    const type = document[at]
    const start = at + 1 + name.byteLength
    if (!isAt(document, at + 1, name)) return Number.NaN
    this.#behind = start + (type === int32 ? 4 : 8)
    if (type === int32) return int32At(document, start)
    return type === double ? doubleAt(document, start) : Number.NaN
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

const int32At = (from: Uint8Array, at: number): number =>
  (from[at] as number) |
  ((from[at + 1] as number) << 8) |
  ((from[at + 2] as number) << 16) |
  ((from[at + 3] as number) << 24)

const double64 = new Float64Array(1)
const doubleBytes = new Uint8Array(double64.buffer)

/** The lowest byte first, as on every machine that Node 24 runs on. */
function doubleAt(from: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) doubleBytes[i] = from[at + i] as number
  return double64[0] as number
}

/**
 * Behind a value of a document. @throws RangeError when it does not end before the document does,
 * or is of a type that the grid does not write
 */
function endOf(document: Uint8Array, type: number, at: number): number {
  let end = Number.POSITIVE_INFINITY
  if (type === text) {
    const bytes = int32At(document, at)
    if (bytes > 0) end = at + 4 + bytes
    if (document[end - 1] !== 0) end = Number.POSITIVE_INFINITY
  } else if (type === int32) end = at + 4
  else if (type === double || type === date) end = at + 8
  else if (type === boolean) end = (document[at] as number) < 2 ? at + 1 : end
  else if (type === none) end = at
  else if (type === object || type === list) {
    const bytes = int32At(document, at)
    if (bytes > 4) end = at + bytes
  } else if (type === binary) {
    const bytes = int32At(document, at)
    if (bytes >= 0) end = at + 5 + bytes
  }
  if (end < document.byteLength) return end
  throw new RangeError('it does not end in the document')
}

/** A value as the driver decodes it: of a document that has nothing else in it. */
function driverValue(type: number, document: Uint8Array, start: number, end: number): unknown {
  const bytes = Buffer.alloc(end - start + 8)
  bytes.writeInt32LE(bytes.byteLength)
  bytes[4] = type
  bytes[5] = 0x76
  bytes.set(document.subarray(start, end), 7)
  return decoded(bytes).v
}

/** As the driver decodes what it is not asked to leave as it is. */
export const decoded = (document: Uint8Array): BSON.Document =>
  BSON.deserialize(document, { validation: { utf8: true } })
