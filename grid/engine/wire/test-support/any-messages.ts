import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import {
  expiryIndex,
  initialShape,
  partitionedCaches,
  type SpaceShape,
} from '@spacegrid/grid/core/shape'
import { type Step, StepKind, type TransactionRecord } from '@spacegrid/grid/core/steps'
import fc from 'fast-check'
import { encodeAuditMessage } from '../../agreement/audit-codec.ts'
import { encodeFrame, encodeTransactions } from '../frame-codec.ts'
import { encodeHeader, encodeSnapshotChunk } from '../snapshot-codec.ts'
import { oddBytes } from './odd-bytes.ts'

/** The definition that all these messages are of. */
export const shape: SpaceShape = {
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
export const count = fc.nat({ max: 50 })
export const key = fc.constantFrom('a', 'b', 'c')
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
export const parts = fc.array(transaction, { maxLength: 2 }).map(encodeTransactions)
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
export const frame = frames.map(encodeFrame)

const origin = fc.record({ unit: key, nonce: count, lastFrame: count, lastTime: count })
export const header = fc
  .record({ position: count, time: count, origins: fc.array(fc.tuple(count, origin)) })
  .map((rest) => ({ ...rest, shape }))
export const change = fc.record({
  ...{ cache: fc.constantFrom('items', '_parts', 'other'), key, version: count, position: count },
  value: fc.option(value, { nil: undefined }),
})
export const chunk = fc
  .record({
    shape: fc.option(fc.constant(shape), { nil: undefined }),
    changes: fc.array(change),
    end: fc.option(fc.record({ header, digest: key }), { nil: undefined }),
  })
  .map(encodeSnapshotChunk)

export const noPause = () => undefined
export const windows = fc
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
export const auditMessage = fc
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

export const suspects = fc.option(fc.record({ position: count, digest: key }), { nil: undefined })
