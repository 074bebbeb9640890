import { expect, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { FrameKind, type TransactionsFrame } from '../../core/frame.ts'
import { type Step, StepKind, type TransactionRecord } from '../../core/steps.ts'
import {
  acrossFormat,
  decodeFrame,
  decodeTransactions,
  encodeFrame,
  encodeInPieces,
  encodeTransactions,
  frameFormat,
} from './frame-codec.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'

const put: Step = { kind: StepKind.put, cache: 4, key: 'x', value: { id: 'x', n: 1 } }
const attempt = '0123456789abcdefABCDEF'
const record = (steps: readonly Step[], more: Partial<TransactionRecord> = {}) => ({
  ...{ number: 1, reads: [{ cache: 4, key: 'x', version: 7 }], ranges: [], steps, events: [] },
  ...{ notBefore: 0, ...more },
})
const hold = { attempt, partition: 1, coordinator: 0, participants: [0, 1], notAfter: 1000 }
const remember: Step = {
  kind: StepKind.remember,
  ...{ key: 'k', command: 'pay', input: 'i', data: { left: 7 }, slots: {}, expiresAt: 9 },
}
const placed: Step = { ...remember, hash: 7 }
const decide = { kind: StepKind.decide, attempt, asked: false, notAfter: 1000 }

const transactions: TransactionRecord[] = [
  record([put]),
  record([put, put], { hold: { ...hold, key: undefined } }),
  record([], { hold: { ...hold, key: 'k' }, notBefore: 5 }),
  record([{ ...decide, verdict: 'commit', remember }]),
  record([{ ...decide, verdict: 'abort', asked: true, remember: undefined }]),
  record([{ ...decide, verdict: 'commit', remember: placed }]),
  record([{ kind: StepKind.finish, attempt, verdict: 'commit' }]),
  record([{ kind: StepKind.forget, attempt }]),
]
const frameOf = (some: readonly TransactionRecord[]): TransactionsFrame => ({
  kind: FrameKind.transactions,
  ...{ origin: 1, id: 2, previous: 1, deadline: 9, transactions: some, parts: 0 },
})

test('what is of commands across partitions comes back as it was, and the rest beside it', () => {
  const { across, ...frame } = decodeFrame(encodeFrame(frameOf(transactions))) as TransactionsFrame
  expect(across).toBe(true)
  expect(frame).toEqual(frameOf(transactions))
})

// architecture.md, invariant 1: a version that knows nothing of them stops before them.
test('it has a format of its own, and nothing else has', () => {
  for (const [n, one] of transactions.entries())
    expect(sealedFormat(encodeFrame(frameOf([one])))).toBe(n === 0 ? frameFormat : acrossFormat)
  const closing = { ...frameOf([]), parts: 2, across: true }
  expect(sealedFormat(encodeFrame(closing))).toBe(acrossFormat)
})

test('in the format of before it is no frame, as it was then', () => {
  const body = sealedBody(encodeFrame(frameOf(transactions)))
  expect(isDamaged(() => decodeFrame(seal(frameFormat, body)))).toBe(true)
  const other = sealedBody(encodeFrame({ kind: FrameKind.join, unit: 'u', nonce: 1 }))
  expect(isDamaged(() => decodeFrame(seal(acrossFormat, other)))).toBe(true)
})

test('what is remembered beside it may be of a partition', () => {
  const some = [record([put, placed]), ...transactions.slice(1)]
  expect(decodeFrame(encodeFrame(frameOf(some)))).toMatchObject({ transactions: some })
})

test('no decision stands within another one', () => {
  const within = { ...decide, verdict: 'commit', remember: { ...decide, verdict: 'abort' } }
  const bytes = encodeFrame(frameOf([record([within as unknown as Step])]))
  expect(isDamaged(() => decodeFrame(bytes))).toBe(true)
})

test('it comes back from parts, where the frame that closes them says so', () => {
  for (const one of transactions.slice(1)) {
    const parts = [encodeTransactions([one])]
    expect(decodeTransactions(parts, true)).toEqual([one])
    expect(isDamaged(() => decodeTransactions(parts))).toBe(true)
    const pieces = encodeInPieces(one)
    let next = pieces.next()
    while (!next.done) next = pieces.next()
    expect(decodeTransactions([next.value], true)).toEqual([one])
  }
})

function isDamaged(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    return isGridError(error, 'record_damaged')
  }
}
