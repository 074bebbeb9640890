import fc from 'fast-check'
import { messagePack } from '../message-pack.ts'
import { seal, sealedBody, sealedFormat } from '../seal.ts'

/** What stands in no place where something else is expected. */
const wrongItem: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, 0, -1, 1.5, 1e300, Number.NaN, 2 ** 53, '', 'x'),
  fc.constantFrom<unknown>([], {}, [[]], { a: 1 }, new Date(0), new Date(Number.NaN), [null]),
  fc.constantFrom<unknown>('__proto__', { constructor: 1 }, 'a.b', '\0', 'x'.repeat(5000)),
  fc.uint8Array({ maxLength: 8 }),
  fc.anything({ maxDepth: 2, withBigInt: false, withMap: false, withSet: false }),
)

/** undefined: it has no seal, or a broken one. */
function formatOf(bytes: Uint8Array): number | undefined {
  try {
    return sealedFormat(bytes)
  } catch {
    return undefined
  }
}

/**
 * A whole record whose contents have another structure: sealed rightly, as if it had been written
 * so.
 */
const restructured = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(valid, fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), wrongItem, fc.nat({ max: 3 }))
    .map(([bytes, path, item, how]) => {
      const format = formatOf(bytes)
      if (format === undefined) return bytes
      try {
        const changed = change(messagePack.unpack(sealedBody(bytes)), path, item, how)
        return seal(format, messagePack.pack(changed))
      } catch {
        // Nothing of the kind can be written, or what is sealed is no item of MessagePack.
        return new Uint8Array()
      }
    })

/** Replaces, removes, doubles or inserts what a path leads to. */
function change(
  whole: unknown,
  [step = 0, ...rest]: number[],
  item: unknown,
  how: number,
): unknown {
  if (Array.isArray(whole) && whole.length > 0) {
    const at = step % whole.length
    if (rest.length > 0 && typeof whole[at] === 'object' && whole[at] !== null)
      return whole.with(at, change(whole[at], rest, item, how))
    if (how === 0) return whole.with(at, item)
    if (how === 1) return whole.toSpliced(at, 1)
    return whole.toSpliced(at, 0, how === 2 ? whole[at] : item)
  }
  if (typeof whole === 'object' && whole !== null && Object.keys(whole).length > 0) {
    const entries = Object.entries(whole)
    const at = step % entries.length
    const [name, member] = entries[at] as [string, unknown]
    if (how === 1) return Object.fromEntries(entries.toSpliced(at, 1))
    const inside = typeof member === 'object' && member !== null && rest.length > 0
    return { ...whole, [name]: inside ? change(member, rest, item, how) : item }
  }
  return item
}

const cutShort = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(valid, fc.nat()).map(([bytes, length]) => bytes.slice(0, length % bytes.length))

const altered = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(valid, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([bytes, at, by]) => {
    const copy = Uint8Array.from(bytes)
    copy[at % copy.length] = (copy[at % copy.length] as number) ^ by
    return copy
  })

/** Bytes that announce more than they hold, or nest without end. */
const bombs: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    fc.constantFrom(
      [0xdd, 255, 255, 255, 255],
      [0xdf, 255, 255, 255, 255],
      [0xc6, 255, 255, 255, 255],
    ),
    fc.nat({ max: 20_000 }).map((depth) => new Array<number>(depth).fill(0x91)),
    fc
      .nat({ max: 2000 })
      .map((depth) =>
        new Array<number>(depth * 5).fill(0).map((_, i) => [0xdd, 1, 0, 0, 0][i % 5] as number),
      ),
  )
  .map((bytes) => Uint8Array.from(bytes))

/** Items that few expect: extensions of every kind, members by names of prototypes, what nests. */
const oddItems = fc
  .oneof(
    fc
      .tuple(fc.constantFrom(0xd4, 0xd5, 0xd6, 0xd7, 0xd8), fc.nat({ max: 255 }))
      .map(([first, type]) => [first, type, ...new Array<number>(1 << (first - 0xd4)).fill(1)]),
    fc.nat({ max: 255 }).map((type) => [0xc7, 4, type, 0, 0, 0, 1]),
    fc
      .constantFrom('__proto__', 'constructor', 'toString', 'then', 'toJSON')
      .map((name) => [...messagePack.pack({ [name]: { a: 1 } })]),
    fc
      .constantFrom('__proto__', 'prototype')
      .map((name) => [0x81, 0xa0 | name.length, ...Buffer.from(name), 0x81, 0xa1, 0x61, 1]),
    fc.nat({ max: 600 }).map((depth) => [...new Array<number>(depth).fill(0x91), 1]),
  )
  .map((bytes) => Uint8Array.from(bytes))

/**
 * A whole record whose contents somebody has cut, altered, doubled or filled with other items,
 * byte by byte, and sealed again: no checksum tells.
 */
const resealed = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(valid, fc.oneof(oddItems, bombs, fc.uint8Array({ maxLength: 9 })), fc.nat(), fc.nat())
    .chain(([bytes, item, at, length]) => {
      const format = formatOf(bytes)
      const body = format === undefined ? bytes : sealedBody(bytes)
      const from = body.length === 0 ? 0 : at % body.length
      const to = Math.min(body.length, from + (length % 12))
      const [before, part, behind] = [body.slice(0, from), body.slice(from, to), body.slice(to)]
      return fc
        .constantFrom(
          [before, item, behind],
          [before, item, part, behind],
          [before, behind],
          [before, part, part, behind],
          [body, item],
          [before],
        )
        .map((pieces) => {
          const changed = Buffer.concat(pieces)
          return format === undefined ? changed : seal(format, changed)
        })
    })

/** Of another version: whole. */
const ofAnotherVersion = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(valid, fc.nat({ max: 255 }))
    .filter(([bytes, format]) => format !== formatOf(bytes))
    .map(([bytes, format]) => seal(format, sealedBody(bytes)))

/** Damaged: its checksum no longer fits, or it never had one. */
export const damagedBytes = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(cutShort(valid), altered(valid), fc.uint8Array({ maxLength: 200 }), bombs)

/** Whole, but nothing that this version writes. */
export const strangeBytes = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    restructured(valid),
    restructured(restructured(valid)),
    resealed(valid),
    resealed(resealed(valid)),
    fc
      .tuple(valid, fc.uint8Array({ maxLength: 100 }))
      .map(([bytes, body]) => seal(formatOf(bytes) ?? 0, body)),
    fc.tuple(valid, bombs).map(([bytes, body]) => seal(formatOf(bytes) ?? 0, body)),
  )

/** All that can come where a record or message of one kind is expected. */
export const oddBytes = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 2, arbitrary: damagedBytes(valid) },
    { weight: 4, arbitrary: strangeBytes(valid) },
    { weight: 1, arbitrary: ofAnotherVersion(valid) },
  )
