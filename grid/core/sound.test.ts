import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFrame, decodeTransactions, encodeFrame } from '../engine/wire/frame-codec.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { FrameKind } from './frame.ts'
import { Melder } from './meld.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { StepKind, type TransactionRecord } from './steps.ts'

const boxes = defineCache('boxes', {
  schema: Type.Object({
    id: Type.String(),
    n: Type.Optional(Type.Number()),
    tags: Type.Optional(Type.Array(Type.Unknown())),
  }),
  key: 'id',
  indexes: { byN: ['n', 'id'] },
})
const shape = shapeOf(defineSpace('store', { caches: [boxes] }))
const cache = 2

/** Whatever a log may carry in the place of something else. */
const anything = fc.oneof(
  { maxDepth: 2 },
  fc.constantFrom<unknown>(undefined, null, true, 0, -1, 1.5, 2 ** 60, 5n, '', 'a', '\0', [], {}),
  fc.constantFrom<unknown>([1], ['x', null], { equals: null }, { id: 'b' }, new Date(0), NaN),
  fc.constantFrom<unknown>(Infinity, 'x'.repeat(2000), new Uint8Array(3), new Map([[1, 2]])),
  fc.constantFrom<unknown>(
    { valueOf: 1, toString: 1 },
    { length: 0 },
    { length: 2 ** 31 },
    'length',
  ),
  fc.integer(),
  fc.string(),
)
/** What belongs there, most of the time: so that a transaction is often wrong in one place only. */
const mostly = (right: unknown) => fc.oneof({ weight: 6, arbitrary: fc.constant(right) }, anything)

const range = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>({}, { equals: [1] }, { from: 1, to: 2 }) },
  fc.record({ equals: anything, from: anything, limit: anything }, { requiredKeys: [] }),
  anything,
)
const target = { cache: mostly(cache), key: mostly('a') }
const condition = { otherwise: mostly('no'), expected: mostly(undefined) }
const step = fc.oneof(
  fc.record({ kind: fc.constant(StepKind.put), ...target, value: mostly({ id: 'a', n: 1 }) }),
  fc.record({ kind: fc.constant(StepKind.delete), ...target }),
  fc.record({
    kind: fc.constant(StepKind.increment),
    ...target,
    ...condition,
    field: mostly('n'),
    by: mostly(1),
    min: mostly(undefined),
    max: mostly(undefined),
    initial: mostly({ id: 'a' }),
  }),
  fc.record({
    kind: fc.constant(StepKind.append),
    ...target,
    ...condition,
    field: mostly('tags'),
    items: mostly(['x']),
    max: mostly(undefined),
    initial: mostly({ id: 'a' }),
  }),
  fc.record({
    kind: fc.constant(StepKind.take),
    cache: mostly(cache),
    index: mostly(0),
    range,
    limit: mostly(1),
    atLeast: mostly(0),
    patch: mostly({ n: 2 }),
    ...condition,
  }),
  fc.record({
    kind: fc.constant(StepKind.remember),
    key: mostly('k'),
    command: mostly('c'),
    input: mostly('i'),
    data: anything,
    slots: mostly({}),
    expiresAt: mostly(9),
  }),
)
const read = fc.record({ cache: mostly(cache), key: mostly('a'), version: mostly(0) })
const rangeRead = fc.record({ cache: mostly(cache), index: mostly(0), range, digest: mostly(1) })
const transaction = fc.record({
  number: mostly(1),
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  reads: fc.array(read, { maxLength: 1 }),
  ranges: fc.array(rangeRead, { maxLength: 1 }),
  events: fc.constant([]),
  notBefore: mostly(0),
}) as fc.Arbitrary<unknown> as fc.Arbitrary<TransactionRecord>

const runs = Number(process.env.FUZZ_RUNS ?? 1000)

// architecture.md, invariant 1
test('whatever transactions a log brings, every replica decides alike, without an exception', () => {
  fc.assert(
    fc.property(fc.array(transaction, { minLength: 1, maxLength: 3 }), (transactions) => {
      const decided: string[][] = []
      const states = [1, 2].map(() => new SpaceState(shape))
      for (const state of states) {
        const outcomes: string[] = []
        const melder = new Melder(state, decodeTransactions, {
          decided: (_index, _transaction, _id, { outcome }) => outcomes.push(outcome),
        })
        melder.meld({ kind: FrameKind.join, unit: 'u', nonce: 1 }, 1, 10)
        const link = { origin: 1, id: 1, previous: 0, deadline: 9 }
        const frame = { kind: FrameKind.transactions, ...link, transactions, parts: 0 }
        const bytes = written(() => encodeFrame(frame))
        if (bytes === undefined) return
        const arrived = written(() => decodeFrame(bytes))
        if (arrived === undefined) return
        melder.meld(arrived, 2, 11)
        decided.push(outcomes)
        const before = state.digest.toString()
        const sound = { id: 'sound', n: 3 }
        const put = { kind: StepKind.put, cache, key: 'sound', value: sound }
        const next = { number: 7, steps: [put], reads: [], ranges: [], events: [], notBefore: 0 }
        const behind = { ...link, id: 2, previous: 1 }
        melder.meld(
          { kind: FrameKind.transactions, ...behind, transactions: [next], parts: 0 },
          3,
          12,
        )
        expect(state.find(cache, 'sound')?.value).toEqual(sound)
        expect(state.digest.toString()).not.toBe(before)
      }
      expect(decided[0]).toEqual(decided[1])
      expect(states[0]?.digest.toString()).toBe(states[1]?.digest.toString())
    }),
    { numRuns: runs },
  )
})

// An acknowledged transaction of an earlier version stays what it was.
test.each<[string, object, unknown]>([
  ['an append of a text', { kind: StepKind.append, field: 'tags', items: 'xy' }, ['x', 'y']],
  ['a bound that is null', { kind: StepKind.increment, field: 'n', by: 1, min: null }, undefined],
])('%s is melded as ever', (_, more, tags) => {
  const state = new SpaceState(shape)
  const outcomes: string[] = []
  const melder = new Melder(state, decodeTransactions, {
    decided: (_index, _transaction, _id, { outcome }) => outcomes.push(outcome),
  })
  melder.meld({ kind: FrameKind.join, unit: 'u', nonce: 1 }, 1, 10)
  const step = { cache, key: 'a', initial: { id: 'a' }, otherwise: 'no', ...more }
  const read = { cache, index: 0, range: { limit: Infinity, to: null }, digest: 1 }
  const record = { number: 1, steps: [step], reads: [], ranges: [read], events: [], notBefore: 0 }
  const frame = { origin: 1, id: 1, previous: 0, deadline: 9, parts: 0 }
  const transactions = [record as unknown as TransactionRecord]
  melder.meld({ kind: FrameKind.transactions, ...frame, transactions }, 2, 11)
  expect(outcomes).toEqual(['applied'])
  expect(state.find(cache, 'a')?.value.tags).toEqual(tags)
})

/** What cannot be written, or read, as a frame is passed over before it is melded. */
function written<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
