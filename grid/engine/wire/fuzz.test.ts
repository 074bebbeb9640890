import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { type Frame, FrameKind } from '../../core/frame.ts'
import { Melder } from '../../core/meld.ts'
import { SpaceState } from '../../core/space-state.ts'
import { readRecord } from '../replica/record-reader.ts'
import { decodeTransactions, encodeFrame } from './frame-codec.ts'
import {
  decodeHeader,
  decodeSnapshotChunk,
  encodeHeader,
  restoreSnapshotChunk,
} from './snapshot-codec.ts'
import { chunk, frame, shape } from './test-support/any-messages.ts'
import { oddBytes } from './test-support/odd-bytes.ts'

/** Each of them costs many records: 100,000 were run once (docs/guarantees.md). */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const isTold = (error: unknown): boolean =>
  isGridError(error, 'record_damaged') || isGridError(error, 'format_unsupported')

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
