import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../core/data-types.ts'
import { type ErrorCode, isGridError } from '../../core/errors.ts'
import { type Frame, FrameKind } from '../../core/frame.ts'
import { expiryIndex, initialShape, type SpaceShape } from '../../core/shape.ts'
import { type Step, StepKind, type TransactionRecord } from '../../core/steps.ts'
import {
  decodeFrame,
  decodeTransactions,
  encodeFrame,
  encodeTransactions,
  frameFormat,
} from './frame-codec.ts'
import { seal } from './seal.ts'

const safe = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const integer = fc.maxSafeInteger()
const time = fc.integer({ min: 0, max: 4e12 })

/**
 * Well-formed text: a lone surrogate would not survive UTF-8 (keys and inputs are checked before).
 */
const text = fc.oneof(
  fc.string(),
  fc.array(fc.nat({ max: 0x10ffff })).map((c) => String.fromCodePoint(...c).toWellFormed()),
  fc.constantFrom('', '\0', '😀', 'e\u0301', '\u202eabc', 'x'.repeat(300)),
)

const bytes = fc.uint8Array({ maxLength: 80 })
const leaf = fc.oneof(
  text,
  integer,
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 1e300, Infinity),
  bytes,
)

/** Everything JSON can say, and beside it undefined fields, bytes, and numbers that are no JSON. */
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('data'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('data'),
      { maxKeys: 4 },
    ),
  ),
}))

const value = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  data,
  { maxKeys: 4, noNullPrototype: true },
) as fc.Arbitrary<Value>
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const scalar = fc.oneof(text, integer, fc.boolean())
const range = fc.record(
  {
    equals: fc.array(scalar, { maxLength: 3 }),
    from: scalar,
    after: scalar,
    to: scalar,
    before: scalar,
    reverse: fc.boolean(),
    limit: fc.nat(),
  },
  { requiredKeys: [] },
)

const entry = { cache: fc.nat({ max: 70_000 }), key: text }
const operation = { otherwise: text, expected: maybe(safe) }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant(StepKind.put), ...entry, value }),
  fc.record({ kind: fc.constant(StepKind.delete), ...entry }),
  fc.record({
    kind: fc.constant(StepKind.increment),
    ...entry,
    ...operation,
    field: text,
    by: fc.double({ noNaN: true }),
    min: maybe(fc.double()),
    max: maybe(integer),
    initial: maybe(value),
  }),
  fc.record({
    kind: fc.constant(StepKind.append),
    ...entry,
    ...operation,
    field: text,
    items: fc.array(data),
    max: maybe(fc.nat()),
    initial: maybe(value),
  }),
  fc.record({
    kind: fc.constant(StepKind.take),
    cache: entry.cache,
    ...operation,
    index: fc.nat({ max: 40 }),
    range,
    limit: fc.nat(),
    atLeast: fc.nat(),
    patch: value,
  }),
  fc.record({
    kind: fc.constant(StepKind.remember),
    key: text,
    command: text,
    input: text,
    data,
    slots: fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      fc.nat(),
      { noNullPrototype: true },
    ),
    expiresAt: time,
  }),
  fc.record({
    kind: fc.constant(StepKind.remember),
    key: text,
    command: text,
    input: text,
    data,
    slots: fc.constant({}),
    expiresAt: time,
    hash: fc.nat({ max: 0xffffffff }),
  }),
)

/** What is due is nobody's command. */
const made = fc.oneof(
  fc.record({ notBefore: fc.constant(0), command: maybe(text) }),
  fc.record({ notBefore: time, command: fc.constant(undefined) }),
)

const transaction: fc.Arbitrary<TransactionRecord> = fc
  .record({
    number: safe,
    reads: fc.array(fc.record({ ...entry, version: safe }), { maxLength: 4 }),
    ranges: fc.array(
      fc.record({ cache: entry.cache, index: fc.nat({ max: 40 }), range, digest: safe }),
      { maxLength: 2 },
    ),
    steps: fc.array(step, { maxLength: 4 }),
    events: fc.array(fc.record({ name: text, payload: value }), { maxLength: 2 }),
    made,
  })
  .map(({ made, ...record }) => ({ ...record, ...made }))

const name = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,9}$/)
const uniqueByName = { selector: ({ name }: { readonly name: string }) => name, maxLength: 4 }
const cacheShape = fc
  .record({
    name,
    key: text,
    indexes: fc.uniqueArray(
      fc.record({ name, fields: fc.array(text, { minLength: 1 }) }),
      uniqueByName,
    ),
    expiry: maybe(text),
  })
  .map(({ indexes, expiry, ...cache }) => ({
    ...cache,
    indexes: expiry === undefined ? indexes : [...indexes, { name: expiryIndex, fields: [expiry] }],
    expiry,
  }))
const shape: fc.Arbitrary<SpaceShape> = fc.record({
  caches: fc.uniqueArray(cacheShape, uniqueByName),
})
const link = { origin: safe, id: safe, previous: safe, deadline: safe }
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant(FrameKind.join), unit: text, nonce: safe }),
  fc.record({ kind: fc.constant(FrameKind.shape), shape }),
  fc.record({
    kind: fc.constant(FrameKind.transactions),
    ...link,
    transactions: fc.array(transaction, { maxLength: 3 }),
    parts: fc.nat({ max: 1000 }),
  }),
  fc.record({ kind: fc.constant(FrameKind.part), ...link, bytes }),
  fc.record({ kind: fc.constant(FrameKind.leave), ...link }),
  fc.record({ kind: fc.constant(FrameKind.skip), position: fc.integer({ min: 1 }) }),
  fc.record({ kind: fc.constant(FrameKind.leave), ...link, at: time }),
)

/** Bytes come back as whatever view of bytes; -0 as 0, which nothing tells apart. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return { bytes: [...(value as Uint8Array)] }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

const isRefused = (read: () => unknown, code: ErrorCode = 'record_damaged'): boolean => {
  try {
    read()
    return false
  } catch (error) {
    return isGridError(error, code)
  }
}

const packr = new Packr({ useRecords: false })

describe('a frame', () => {
  test('comes back from its bytes as it was, whatever is in it', () => {
    fc.assert(
      fc.property(frame, (frame) => {
        expect(plain(decodeFrame(encodeFrame(frame)))).toStrictEqual(plain(frame))
      }),
      { numRuns: 1500 },
    )
  })

  test('is the same bytes for the same content, whatever was encoded before', () => {
    fc.assert(
      fc.property(frame, frame, (first, second) => {
        const before = Buffer.from(encodeFrame(first))
        encodeFrame(second)
        decodeFrame(encodeFrame(second))
        expect(Buffer.from(encodeFrame(first)).equals(before)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  // Logs outlive versions: these very bytes must be read by all that follow, and by other
  // MessagePack readers.
  test('has the bytes of its format', () => {
    const steps: Step[] = [{ kind: StepKind.put, cache: 2, key: 'a', value: { id: 'a', n: 300 } }]
    const reads = [{ cache: 2, key: 'b', version: 0 }]
    const one = { number: 7, reads, ranges: [], steps, events: [], notBefore: 0 }
    const link = { origin: 3, id: 2, previous: 1, deadline: 65536 }
    const frame: Frame = { kind: FrameKind.transactions, ...link, transactions: [one], parts: 0 }
    expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(
      'c103dc82f0c2dc001601030201ce00010000c0009192a26964a16e01070100020000a161cd012c0102a16200c2',
    )
  })

  // What a version knows nothing of it passes over: the name is one of the names of values, and its
  // number stands where `false` did, or is a time long past.
  test('has the name of a command where earlier versions look for nothing', () => {
    const put: Step = { kind: StepKind.put, cache: 2, key: 'a', value: { id: 'a', n: 300 } }
    const events = [{ name: 'put', payload: {} }]
    const plain = { number: 7, reads: [], ranges: [], steps: [put], events: [], notBefore: 0 }
    const bytesOf = (...transactions: TransactionRecord[]) =>
      Buffer.from(encodeTransactions(transactions)).toString('hex')
    expect(bytesOf(plain)).toBe('9c9192a26964a16e01070100020000a161cd012c00c2')
    expect(bytesOf({ ...plain, command: 'put' })).toBe(
      '9c9292a26964a16e91a370757401070100020000a161cd012c0001',
    )
    // As many again take no byte more than without.
    const two = { ...plain, command: 'put' }
    const added = (count: number) => {
      const named = bytesOf(...Array.from({ length: count }, () => two)).length
      return (named - bytesOf(...Array.from({ length: count }, () => plain)).length) / 2
    }
    expect([added(1), added(2), added(100)]).toEqual([5, 5, 5])
    const withEvents = { ...plain, events, command: 'put' }
    expect(bytesOf(withEvents).length).toBe(
      bytesOf({ ...withEvents, command: undefined }).length + 10,
    )
    expect(decodeTransactions([encodeTransactions([withEvents])])).toEqual([withEvents])
  })

  test('keeps its bytes while the next ones are encoded', () => {
    const unit = 'x'.repeat(3000)
    const frames = Array.from({ length: 50 }, (_, nonce): Frame => {
      return { kind: FrameKind.join, unit, nonce }
    })
    const encoded = frames.map(encodeFrame)
    expect(encoded.map(decodeFrame)).toEqual(frames)
  })

  test('holds the shape every space starts with', () => {
    const frame: Frame = { kind: FrameKind.shape, shape: initialShape }
    expect(decodeFrame(encodeFrame(frame))).toStrictEqual(frame)
  })

  // architecture.md, invariant 1: a replica that meets a format it cannot follow stops serving
  // rather than guess.
  test('of another version is told from one that is damaged', () => {
    const other = seal(frameFormat + 96, packr.pack([FrameKind.leave, 1, 2, 3, 4, null]))
    expect(isRefused(() => decodeFrame(other), 'format_unsupported')).toBe(true)
    other[other.length - 1] = 9
    expect(isRefused(() => decodeFrame(other))).toBe(true)
  })

  test('of the format before is read: logs still hold them', () => {
    const link = { origin: 1, id: 2, previous: 1, deadline: 4 }
    expect(decodeFrame(packr.pack([2, FrameKind.leave, 1, 2, 1, 4]))).toEqual({
      kind: FrameKind.leave,
      ...link,
    })
    const put = [0, 2, 0, 0, 'x', 5]
    const before = [2, FrameKind.transactions, 1, 2, 1, 4, 0, [['id', 'n']], 1, 1, 1, ...put]
    expect(decodeFrame(packr.pack([...before, 0, false]))).toMatchObject({
      ...link,
      parts: 0,
      transactions: [{ steps: [{ key: 'x', value: { id: 'x', n: 5 } }] }],
    })
  })

  test.each<[string, unknown]>([
    ['no kind', []],
    ['an unknown kind', [9, 1, 2, 3, 4, null]],
    ['an unknown step', [FrameKind.transactions, 1, 2, 3, 4, null, 0, [], 1, 1, 0, 1, 9, false]],
    ['no transactions', [FrameKind.transactions, 1, 2, 3, 4, null]],
    ['a transaction that is none', [FrameKind.transactions, 1, 2, 3, 4, null, 0, [], 1, 5]],
    ['a link that is none', [FrameKind.leave, 1, 2]],
    ['a number for an object', 7],
    ['an object', { format: frameFormat }],
    ['a unit that has no name', [FrameKind.join, { a: 1 }, 'x', null]],
    ['a nonce that is none', [FrameKind.join, 'unit', -1, null]],
    ['no shape', [FrameKind.shape, null, null]],
    ['a shape without caches', [FrameKind.shape, { caches: 3 }, null]],
    [
      'a cache that is declared twice',
      [FrameKind.shape, { caches: [cacheOf('items'), cacheOf('items')] }, null],
    ],
    ['a cache that no store can name', [FrameKind.shape, { caches: [cacheOf('a.b')] }, null]],
    ['another shape of its own caches', [FrameKind.shape, { caches: [cacheOf('_parts')] }, null]],
    [
      'an expiry without its index',
      [FrameKind.shape, { caches: [{ ...cacheOf('items'), expiry: 'at' }] }, null],
    ],
    [
      'an index without fields',
      [
        FrameKind.shape,
        { caches: [{ ...cacheOf('items'), indexes: [{ name: 'x', fields: [] }] }] },
        null,
      ],
    ],
    ['a part without bytes', [FrameKind.part, 1, 2, 3, 4, null, 'bytes']],
    ['a number of parts that is none', [FrameKind.transactions, 1, 2, 3, 4, null, -1, [], 0]],
    ['a place below the first', [FrameKind.skip, 0, null]],
    ['a time that is none', [FrameKind.join, 'unit', 1, 'yesterday']],
    ['nothing', null],
    ['text', 'frame'],
  ])('with %s is damaged, sealed or not', (_, packed) => {
    const unsealed = Array.isArray(packed) ? [2, ...packed.filter((item) => item !== null)] : packed
    expect(isRefused(() => decodeFrame(seal(frameFormat, packr.pack(packed))))).toBe(true)
    expect(isRefused(() => decodeFrame(packr.pack(unsealed)))).toBe(true)
  })

  test('that is garbage, cut short or damaged is refused, or read as some frame', () => {
    const damaged = fc.tuple(frame, fc.nat(), fc.nat({ max: 255 })).map(([frame, at, byte]) => {
      const bytes = Uint8Array.from(encodeFrame(frame))
      bytes[at % bytes.length] = byte
      return bytes
    })
    const short = fc
      .tuple(frame, fc.nat())
      .map(([frame, at]) => encodeFrame(frame).slice(0, at % encodeFrame(frame).length))
    const kinds: number[] = Object.values(FrameKind)
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged, short), (bytes) => {
        let frame: Frame | undefined
        const unsupported = isRefused(() => {
          frame = decodeFrame(bytes)
        })
        expect(unsupported || kinds.includes(frame?.kind ?? -1)).toBe(true)
      }),
      { numRuns: 1500 },
    )
    for (let length = 0; length < 9; length++)
      expect(isRefused(() => decodeFrame(encodeFrame(leave).slice(0, length)))).toBe(true)
  })
})

const cacheOf = (name: string) => ({ name, key: 'id', indexes: [], expiry: null })

const leave: Frame = { kind: FrameKind.leave, origin: 1e9, id: 2, previous: 1, deadline: 9 }

describe('transactions in parts', () => {
  test('come back wherever their bytes were cut', () => {
    const cuts = fc.array(fc.nat(), { maxLength: 4 })
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 4 }), cuts, (transactions, cuts) => {
        const bytes = encodeTransactions(transactions)
        const places = cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)
        const parts = [0, ...places].map((at, i) => bytes.subarray(at, places[i] ?? bytes.length))
        expect(plain(decodeTransactions(parts))).toStrictEqual(plain(transactions))
      }),
      { numRuns: 200 },
    )
  })

  test('that are not whole are damaged', () => {
    const bytes = encodeTransactions([
      { number: 1, reads: [], ranges: [], steps: [], events: [], notBefore: 5 },
    ])
    expect(isRefused(() => decodeTransactions([bytes.slice(0, -1)]))).toBe(true)
    expect(isRefused(() => decodeTransactions([]))).toBe(true)
  })
})
