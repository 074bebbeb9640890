import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { type Frame, FrameKind } from '../../core/frame.ts'
import { Melder } from '../../core/meld.ts'
import { expiryIndex, initialShape, partitionedCaches, type SpaceShape } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import { type Step, StepKind, type TransactionRecord } from '../../core/steps.ts'
import { decodeOfAnyLog, encodeAuditMessage } from '../agreement/audit-codec.ts'
import { readRecord } from '../replica/record-reader.ts'
import { decodeFrame, decodeTransactions, encodeFrame, encodeTransactions } from './frame-codec.ts'
import { decodePersisted, encodePersisted } from './persisted.ts'
import {
  decodeHeader,
  decodeSnapshotChunk,
  encodeHeader,
  encodeSnapshotChunk,
  restoreSnapshotChunk,
} from './snapshot-codec.ts'
import {
  decodeOpened,
  decodeOpening,
  decodePieceNumber,
  encodeOpened,
  encodeOpening,
  encodePieceNumber,
} from './snapshot-messages.ts'
import { damagedBytes, oddBytes } from './test-support/odd-bytes.ts'
import { decodeWindow, decodeWindowPart, encodeWindow, type WindowPart } from './window-codec.ts'

/** Each of them costs many records: 100,000 were run once (docs/guarantees.md). */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const shape: SpaceShape = {
  caches: [
    ...initialShape.caches,
    {
      name: 'items',
      key: 'id',
      indexes: [
        { name: 'byGroup', fields: ['group', 'size'] },
        { name: expiryIndex, fields: ['until'] },
      ],
      expiry: 'until',
    },
    ...partitionedCaches,
  ],
  partitions: 3,
}
const count = fc.nat({ max: 50 })
const key = fc.constantFrom('a', 'b', 'c')
const value = fc.record({ id: key, group: key, size: count, until: count, list: fc.array(count) })
const common = {
  cache: fc.constant(2),
  otherwise: fc.constant('no'),
  expected: fc.constant(undefined),
}
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant(StepKind.put), cache: common.cache, key, value }),
  fc.record({ kind: fc.constant(StepKind.delete), cache: common.cache, key }),
  fc.record({
    kind: fc.constant(StepKind.increment),
    ...common,
    ...{ key, field: fc.constant('size'), by: count, min: count, max: count, initial: value },
  }),
  fc.record({
    kind: fc.constant(StepKind.append),
    ...common,
    ...{ key, field: fc.constant('list'), items: fc.array(count), max: count, initial: value },
  }),
  fc.record({
    kind: fc.constant(StepKind.take),
    ...common,
    index: fc.constant(0),
    range: fc.record({ equals: fc.tuple(key), from: count, limit: count, reverse: fc.boolean() }),
    ...{ limit: count, atLeast: fc.constant(0), patch: fc.record({ group: key }) },
  }),
  fc.record({
    kind: fc.constant(StepKind.remember),
    ...{ key, command: key, input: key, data: fc.record({ n: count }) },
    ...{ slots: fc.constant({}), expiresAt: count },
  }),
)
const attempt = fc.constantFrom('one', 'two')
const verdict = fc.constantFrom('commit' as const, 'abort' as const)
const followUp: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant(StepKind.decide), attempt, verdict, asked: fc.boolean() },
    ...{ notAfter: count, remember: fc.constant(undefined) },
  }),
  fc.record({ kind: fc.constant(StepKind.finish), attempt, verdict }),
  fc.record({ kind: fc.constant(StepKind.forget), attempt }),
)
const hold = fc.record({
  ...{ attempt, partition: fc.nat({ max: 1 }), coordinator: fc.constant(0) },
  ...{ participants: fc.constant([0, 1]), notAfter: count, key: fc.constant(undefined) },
})
const ordinary: fc.Arbitrary<TransactionRecord> = fc.record({
  number: count,
  reads: fc.array(fc.record({ cache: common.cache, key, version: fc.constant(0) }), {
    maxLength: 2,
  }),
  ranges: fc.array(
    fc.record({
      ...{ cache: common.cache, index: fc.constant(0), digest: count },
      range: fc.record({ equals: fc.tuple(key) }),
    }),
    { maxLength: 1 },
  ),
  steps: fc.array(step, { maxLength: 3 }),
  events: fc.array(fc.record({ name: key, payload: value }), { maxLength: 1 }),
  notBefore: fc.constant(0),
})
const transaction: fc.Arbitrary<TransactionRecord> = fc.oneof(
  { weight: 3, arbitrary: ordinary },
  fc.tuple(ordinary, hold).map(([record, terms]) => ({ ...record, hold: terms })),
  fc.tuple(ordinary, followUp).map(([record, one]) => ({ ...record, steps: [one] })),
)
/** Of the origin that the log's second record makes; whatever order they come in, some fit. */
const link = {
  origin: fc.constant(2),
  id: fc.integer({ min: 1, max: 3 }),
  previous: fc.nat({ max: 2 }),
  deadline: fc.constant(1e9),
}
const parts = fc.array(transaction, { maxLength: 2 }).map(encodeTransactions)
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant(FrameKind.transactions),
    ...link,
    transactions: fc.array(transaction, { maxLength: 3 }),
    parts: fc.nat({ max: 1 }),
    across: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant(FrameKind.part),
    ...link,
    bytes: fc.oneof(parts, oddBytes(parts)),
  }),
  fc.record({ kind: fc.constant(FrameKind.join), unit: key, nonce: count, at: count }),
  fc.record({ kind: fc.constant(FrameKind.shape), shape: fc.constant(shape) }),
  fc.record({ kind: fc.constant(FrameKind.leave), ...link }),
  fc.record({ kind: fc.constant(FrameKind.skip), position: fc.integer({ min: 1, max: 9 }) }),
)
const frame = frames.map(encodeFrame)

const origin = fc.record({ unit: key, nonce: count, lastFrame: count, lastTime: count })
const header = fc
  .record({ position: count, time: count, origins: fc.array(fc.tuple(count, origin)) })
  .map((rest) => ({ ...rest, shape }))
const change = fc.record({
  ...{ cache: fc.constantFrom('items', '_parts', 'other'), key, version: count, position: count },
  value: fc.option(value, { nil: undefined }),
})
const chunk = fc
  .record({
    shape: fc.option(fc.constant(shape), { nil: undefined }),
    changes: fc.array(change),
    end: fc.option(fc.record({ header, digest: key }), { nil: undefined }),
  })
  .map(encodeSnapshotChunk)

const noPause = () => undefined
const windows = fc
  .record({
    changes: fc.array(change, { maxLength: 5 }),
    events: fc.array(
      fc.record({ name: key, payload: value, transaction: count, position: count }),
      { maxLength: 2 },
    ),
    header,
  })
  .map(({ changes, events, header: { position, ...rest } }) => ({
    from: 0,
    ...{ changes, events },
    checkpoint: {
      ...{ position, logIdentity: 'log', digest: '0', entries: 1 },
      replicated: encodeHeader({ position, ...rest }),
    },
  }))
const teller = fc.record({ id: count, name: key, role: fc.constantFrom('unit', 'pump', 'store') })
const entry = fc.record({ cache: key, key, position: count })
const auditMessage = fc
  .oneof(
    fc.record({
      ...{ kind: fc.constant('digest' as const), from: teller, position: count },
      ...{ digest: key, counted: fc.boolean() },
    }),
    fc.record({ kind: fc.constant('ask' as const), position: count, recount: fc.boolean() }),
    fc.record({ kind: fc.constant('pin' as const), position: count }),
    fc.record({
      ...{ kind: fc.constant('sample' as const), from: teller },
      marks: fc.array(fc.tuple(key, key, count, count)),
    }),
    fc.record({ kind: fc.constant('doubt' as const), entry }),
    fc.record({ kind: fc.constant('entry' as const), from: teller, entry, print: count }),
  )
  .map((message) => encodeAuditMessage('log', message as never))

const suspects = fc.option(fc.record({ position: count, digest: key }), { nil: undefined })
const kinds: readonly [string, fc.Arbitrary<Uint8Array>, (bytes: Uint8Array) => unknown][] = [
  ['a frame', frame, decodeFrame],
  ['transactions in a part', parts, (bytes) => decodeTransactions([bytes])],
  ['others in a part', parts, (bytes) => decodeTransactions([bytes], true)],
  ['the state beside the entries', header.map(encodeHeader), decodeHeader],
  ['a piece of a snapshot', chunk, decodeSnapshotChunk],
  ['the position that is persisted', count.map(encodePersisted), decodePersisted],
  ['a message of the audit', auditMessage, decodeOfAnyLog],
  ['an opening of a snapshot', suspects.map(encodeOpening), decodeOpening],
  ['an opened snapshot', key.map(encodeOpened), decodeOpened],
  ['the number of a piece', count.map(encodePieceNumber), decodePieceNumber],
]

const isTold = (error: unknown): boolean =>
  isGridError(error, 'record_damaged') || isGridError(error, 'format_unsupported')

describe('bytes that are not what they should be', () => {
  test.each(kinds)('in the place of %s are read, or refused by a code', (_, valid, decode) => {
    fc.assert(
      fc.property(oddBytes(valid), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          if (!isTold(error)) throw error
        }
      }),
      { numRuns },
    )
  })

  test.each(kinds.filter(([name]) => !name.includes('in a part')))(
    'in the place of %s are found out, when anything has damaged them',
    (_, valid, decode) => {
      fc.assert(
        fc.property(damagedBytes(valid), (bytes) => {
          // One in four thousand million is found whole by chance.
          expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'record_damaged' }))
        }),
        { numRuns },
      )
    },
  )

  test(`in the place of a window are read, or refused by a code: seed ${seed}`, async () => {
    const id = { pump: 1, number: 1 }
    const encoded = await Promise.all(
      fc
        .sample(windows, { seed, numRuns: 30 })
        .map((window) => encodeWindow(window, id, 1e6, noPause)),
    )
    const record = fc.constantFrom(...encoded.map(([first]) => first as Uint8Array))
    const segments = record.map((bytes) => decodeWindowPart(bytes).bytes)
    const read = async (parts: () => WindowPart) => {
      try {
        await decodeWindow([parts()], noPause)
      } catch (error) {
        if (!isTold(error)) throw error
      }
    }
    const odd = fc.tuple(record, oddBytes(record), damagedBytes(segments))
    await fc.assert(
      fc.asyncProperty(odd, async ([sound, bytes, inside]) => {
        await read(() => decodeWindowPart(bytes))
        await read(() => ({ ...decodeWindowPart(sound), bytes: inside }))
      }),
      { numRuns, seed },
    )
  })
})

// architecture.md, invariant 1: whatever the log brings, every replica does the same, and none
// ends.
test('a log of anything melds without an exception, and alike', () => {
  const record = fc.oneof(
    { weight: 2, arbitrary: frame },
    { weight: 3, arbitrary: oddBytes(frame) },
  )
  fc.assert(
    fc.property(fc.array(record, { maxLength: 12 }), (records) => {
      const begin: Frame[] = [
        { kind: FrameKind.shape, shape },
        { kind: FrameKind.join, unit: 'unit', nonce: 1 },
      ]
      const states = [new SpaceState(), new SpaceState()].map((state) => {
        const melder = new Melder(state, decodeTransactions)
        for (const bytes of [...begin.map(encodeFrame), ...records]) {
          const found = readRecord(bytes)
          const position = state.position + 1
          if (found instanceof Error) melder.pass(position)
          else melder.meld(found, position, position)
        }
        return state
      })
      const [one, other] = states as [SpaceState, SpaceState]
      expect(one.position).toBe(records.length + 2)
      expect(other.digest.toString()).toBe(one.digest.toString())
      expect(other.holds.toString()).toBe(one.holds.toString())
      // What has been melded can be copied.
      decodeHeader(encodeHeader(one.header()))
    }),
    { numRuns },
  )
})

test('a copy of anything is restored, or refused by a code', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(chunk, oddBytes(chunk)), { maxLength: 4 }), (pieces) => {
      const state = SpaceState.toRestore()
      try {
        for (const piece of pieces) restoreSnapshotChunk(state, decodeSnapshotChunk(piece))
        for (const _ of state.completeIndexes());
      } catch (error) {
        if (!isTold(error) && !isGridError(error, 'definition_conflict')) throw error
      }
    }),
    { numRuns },
  )
})
