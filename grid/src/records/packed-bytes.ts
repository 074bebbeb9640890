import { GridError } from '../errors.ts'
import { messagePack } from './message-pack.ts'

/** Deeper than anything that was ever stored and could be used; well within what a recursive reader can take, wherever it is called from. */
const depthMax = 1000

/**
 * Unpacks bytes that nobody vouches for. What they say of themselves is checked first: a few bytes that announce lists of millions of items, or nest
 * thousands of them, would otherwise cost memory and stack before they turn out to be nothing, and not the same on every machine.
 * @throws GridError `record_damaged`
 */
export function unpackForeign(bytes: Uint8Array): unknown {
  try {
    checkStructure(bytes)
    return messagePack.unpack(bytes)
  } catch (error) {
    throw damaged(error)
  }
}

/** Unpacks the body of a record whose seal is whole. @throws GridError `record_damaged`: it was never written by us */
export function unpackSealed(body: Uint8Array): unknown {
  try {
    return messagePack.unpack(body)
  } catch (error) {
    throw damaged(error)
  }
}

const damaged = (cause: unknown): GridError =>
  new GridError('record_damaged', 'A record or message cannot be read', { cause })

/** Bytes behind the first one of each item of MessagePack from 0xc0 on, and whether its length or count stands in so many bytes of them. */
const fixedBytes: Readonly<Record<number, number>> = {
  ...{ 192: 0, 193: 0, 194: 0, 195: 0, 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8 },
  ...{ 208: 1, 209: 2, 210: 4, 211: 8, 212: 2, 213: 3, 214: 5, 215: 9, 216: 17 },
}
/** Texts, bytes and extensions: bytes of the length, and bytes between it and the contents. */
const lengthBytes: Readonly<Record<number, readonly [length: number, more: number]>> = {
  ...{ 196: [1, 0], 197: [2, 0], 198: [4, 0], 199: [1, 1], 200: [2, 1], 201: [4, 1] },
  ...{ 217: [1, 0], 218: [2, 0], 219: [4, 0] },
}
/** Lists and maps: bytes of the count, and items for each of it. */
const countBytes: Readonly<Record<number, readonly [count: number, items: number]>> = {
  ...{ 220: [2, 1], 221: [4, 1], 222: [2, 2], 223: [4, 2] },
}

/** Walks over the items: each list must have room for what it announces, and nothing may be nested too deeply. */
function checkStructure(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const number = (at: number, length: number): number =>
    length === 1 ? view.getUint8(at) : length === 2 ? view.getUint16(at) : view.getUint32(at)
  /** Items still to come, of each list that has begun. */
  const open: number[] = []
  let at = 0
  let left = 1
  for (;;) {
    while (left === 0) {
      const outer = open.pop()
      if (outer === undefined) return
      left = outer
    }
    left--
    const first = view.getUint8(at++)
    let items = 0
    if (first >= 0x80 && first < 0x90) items = 2 * (first & 0x0f)
    else if (first >= 0x90 && first < 0xa0) items = first & 0x0f
    else if (first >= 0xa0 && first < 0xc0) at += first & 0x1f
    else if (first >= 0xc0 && first < 0xe0) {
      const counted = countBytes[first]
      const lengthed = lengthBytes[first]
      if (counted) {
        items = number(at, counted[0]) * counted[1]
        at += counted[0]
      } else if (lengthed) at += lengthed[0] + lengthed[1] + number(at, lengthed[0])
      else at += fixedBytes[first] as number
    }
    if (at > bytes.byteLength || items > bytes.byteLength - at)
      throw new RangeError('it announces more than it holds')
    if (items === 0) continue
    if (open.length >= depthMax) throw new RangeError(`it is nested more than ${depthMax} deep`)
    open.push(left)
    left = items
  }
}
