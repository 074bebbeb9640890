import { GridError } from '../../core/errors.ts'
import { messagePack } from './message-pack.ts'

/**
 * Deeper than anything that was ever stored and could be used; well within what a recursive reader
 * can take, wherever it is called from.
 */
const depthMax = 512

/**
 * Unpacks what came from outside, sealed or not. What the bytes say of themselves is checked first:
 * a few that announce lists of millions of items, or nest thousands of them, would otherwise cost
 * memory and stack before they turn out to be nothing, and end differently on every replica. Costs
 * 45 ns for a transaction of a frame.
 * @throws GridError `record_damaged`
 */
export function unpackRecord(bytes: Uint8Array): unknown {
  try {
    checkStructure(bytes)
    return messagePack.unpack(bytes)
  } catch (error) {
    throw damaged(error)
  }
}

/** Items of a list that are unpacked in one go. */
const pieceItems = 2000
const listHeadBytes = 5

/**
 * Unpacks a list as `unpackRecord` does, some of its items at a time. undefined: it is no long
 * list, or can only be unpacked as a whole.
 * @throws GridError `record_damaged`
 */
export function* unpackListInPieces(bytes: Uint8Array): Generator<void, unknown[] | undefined> {
  if (bytes[0] !== longList) return undefined
  try {
    const items: unknown[] = []
    let left = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(1)
    for (let at = listHeadBytes; left > 0; ) {
      const count = Math.min(left, pieceItems)
      const end = checkItems(bytes, at, count, 1)
      const piece = Buffer.allocUnsafe(listHeadBytes + end - at)
      piece[0] = longList
      piece.writeUInt32BE(count, 1)
      piece.set(bytes.subarray(at, end), listHeadBytes)
      for (const item of messagePack.unpack<unknown[]>(piece)) items.push(item)
      at = end
      left -= count
      if (left === 0 && at < bytes.byteLength) throw new RangeError('it goes on behind its end')
      yield
    }
    return items
  } catch (error) {
    throw damaged(error)
  }
}

/**
 * Packs a list so that `unpackListInPieces` can read it. undefined: it can only be packed as a
 * whole.
 */
export function* packListInPieces(items: readonly unknown[]): Generator<void, Buffer | undefined> {
  const head = Buffer.allocUnsafe(listHeadBytes)
  head[0] = longList
  head.writeUInt32BE(items.length, 1)
  const packed: Buffer[] = [head]
  for (let at = 0; at < items.length; at += pieceItems) {
    const some = items.slice(at, at + pieceItems)
    const piece = messagePack.pack(some)
    if (piece[0] === escapeMark[0]) return undefined
    packed.push(piece.subarray(some.length < 16 ? 1 : 3))
    yield
  }
  return Buffer.concat(packed)
}

/** Packs a list of which the further items have been packed already. */
export function packListOf(
  first: readonly unknown[],
  more: number,
  packed: readonly Uint8Array[],
): Buffer {
  const head = Buffer.allocUnsafe(listHeadBytes)
  head[0] = longList
  head.writeUInt32BE(first.length + more, 1)
  return Buffer.concat([head, ...first.map((item) => messagePack.pack(item)), ...packed])
}

const damaged = (cause: unknown): GridError =>
  new GridError('record_damaged', 'A record or message cannot be read', { cause })

/**
 * By the first byte of an item of MessagePack: bytes that follow it in any case; bytes of these,
 * from the first one on, that say how much more follows; and whether that are items (1 for each, or
 * 2), or else bytes.
 */
const following = new Uint8Array(256)
const sizeBytes = new Uint8Array(256)
const itemsEach = new Uint8Array(256)
for (let first = 0xa0; first < 0xc0; first++) following[first] = first & 0x1f
for (const [first, bytes] of [
  ...([
    [0xca, 4],
    [0xcb, 8],
    [0xcc, 1],
    [0xcd, 2],
    [0xce, 4],
    [0xcf, 8],
  ] as const),
  ...([
    [0xd0, 1],
    [0xd1, 2],
    [0xd2, 4],
    [0xd3, 8],
  ] as const),
  ...([
    [0xd4, 2],
    [0xd5, 3],
    [0xd6, 5],
    [0xd7, 9],
    [0xd8, 17],
  ] as const),
] as const)
  following[first] = bytes
// Bytes, extensions (one byte more: their type), texts, lists, maps.
for (const [first, size, more, items] of [
  ...([
    [0xc4, 1, 0, 0],
    [0xc5, 2, 0, 0],
    [0xc6, 4, 0, 0],
  ] as const),
  ...([
    [0xc7, 1, 1, 0],
    [0xc8, 2, 1, 0],
    [0xc9, 4, 1, 0],
  ] as const),
  ...([
    [0xd9, 1, 0, 0],
    [0xda, 2, 0, 0],
    [0xdb, 4, 0, 0],
  ] as const),
  ...([
    [0xdc, 2, 0, 1],
    [0xdd, 4, 0, 1],
    [0xde, 2, 0, 2],
    [0xdf, 4, 0, 2],
  ] as const),
] as const) {
  following[first] = size + more
  sizeBytes[first] = size
  itemsEach[first] = items
}

/**
 * What extensions there are: undefined, arrays of numbers, dates. Others read further items by
 * themselves, or make what nobody keeps.
 */
const extensions: ReadonlySet<number | undefined> = new Set([0x00, 0x74, 0xff])
/** Before a message with names that msgpackr would change: an extension without content. */
const escapeMark = [0xc7, 0, 0x50] as const
/** A list with its length in four bytes. */
const longList = 0xdd
/** A byte that MessagePack does not use. */
const unused = 0xc1

/**
 * Walks over the items: each list must have room for what it announces, and nothing may be nested
 * too deeply. @throws RangeError, TypeError
 */
export function checkStructure(bytes: Uint8Array): void {
  const isMarked = escapeMark.every((byte, i) => bytes[i] === byte)
  checkItems(bytes, isMarked ? escapeMark.length : 0, 1, 0)
}

/** The place behind one item of a list. @throws RangeError, TypeError when there is none */
export const itemEnd = (bytes: Uint8Array, from: number): number => checkItems(bytes, from, 1, 1)

/**
 * The same of so many items that begin at `from`, in lists that deep. Returns the place behind
 * them.
 */
function checkItems(bytes: Uint8Array, from: number, count: number, depth: number): number {
  const { byteLength } = bytes
  /**
   * Items still to come, of each list that has begun; of those around them, none that are looked at
   * here.
   */
  const open: number[] = depth === 0 ? [] : new Array<number>(depth).fill(0)
  let at = from
  let left = count
  for (;;) {
    while (left === 0) {
      const outer = open.pop()
      if (outer === undefined) return at
      left = outer
    }
    left--
    const first = bytes[at++]
    if (first === undefined) throw new RangeError('it is cut short')
    if (first < 0x80 || first >= 0xe0) continue
    let items = 0
    if (first < 0xa0) items = first < 0x90 ? 2 * (first & 0x0f) : first & 0x0f
    else {
      const size = sizeBytes[first] as number
      const isExtension = (first >= 0xd4 && first <= 0xd8) || (first >= 0xc7 && first <= 0xc9)
      if (first === unused || (isExtension && !extensions.has(bytes[at + size])))
        throw new TypeError('it has an item of no kind')
      let more = 0
      for (let i = 0; i < size; i++) more = more * 256 + (bytes[at + i] ?? 0)
      const each = itemsEach[first] as number
      at += (following[first] as number) + (each > 0 ? 0 : more)
      items = each * more
    }
    if (at > byteLength || items > byteLength - at)
      throw new RangeError('it announces more than it holds')
    if (items === 0) continue
    if (open.length >= depthMax) throw new RangeError(`it is nested more than ${depthMax} deep`)
    open.push(left)
    left = items
  }
}
