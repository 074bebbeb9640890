import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeTransactions } from '../engine/wire/frame-codec.ts'
import { type Frame, FrameKind } from './frame.ts'
import { clockJumpMsMax, clockSilentMsMax } from './limits.ts'
import { Melder } from './meld.ts'
import { clocksAgree } from './record-time.ts'
import { initialShape } from './shape.ts'
import { SpaceState } from './space-state.ts'

const startMs = 1_750_000_000_000
/** From far too early to far too late, and mostly near the bounds. */
const aheadMs = fc.oneof(
  fc.integer({ min: -4_000_000, max: 4_000_000 }),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.integer({ min: -5_100, max: 5_100 }),
)
const record = fc.record({
  kind: fc.constantFrom('join', 'chained', 'ignored', 'shape'),
  /** After the last one. */
  passedMs: fc.integer({ min: 0, max: 20_000 }),
  logAheadMs: aheadMs,
  atAheadMs: fc.option(aheadMs, { nil: undefined }),
})

type RecordPlan = typeof record extends fc.Arbitrary<infer T> ? T : never

/** Melds a history, and tells of each record what time was before and after it. */
function meldAll(
  records: readonly RecordPlan[],
  look: (frame: Frame, time: number, before: number, after: number, contested: boolean) => void,
): void {
  const state = new SpaceState()
  let contested = false
  const melder = new Melder(state, decodeTransactions, {
    contested: () => {
      contested = true
    },
  })
  melder.meld({ kind: FrameKind.join, unit: 'unit', nonce: 1 }, 1, startMs)
  let now = startMs
  let id = 0
  for (const { kind, passedMs, logAheadMs, atAheadMs } of records) {
    // It was silent for too long, by a time that two clocks agreed on.
    if (!state.origins.has(1)) return
    now += passedMs
    const time = now + logAheadMs
    const at = atAheadMs === undefined ? {} : { at: now + atAheadMs }
    const frame = frameOf(kind, at, id)
    if (kind === 'chained') id++
    contested = false
    const before = state.time
    const accepted = melder.meld(frame, state.position + 1, time)
    expect(accepted).toBe(kind !== 'ignored')
    look(frame, time, before, state.time, contested)
  }
}

function frameOf(kind: string, at: { readonly at?: number }, last: number): Frame {
  if (kind === 'join') return { kind: FrameKind.join, unit: 'other', nonce: 2, ...at }
  if (kind === 'shape') return { kind: FrameKind.shape, shape: initialShape, ...at }
  const link = {
    origin: 1,
    id: last + 1,
    previous: kind === 'ignored' ? last + 5 : last,
    deadline: Number.MAX_SAFE_INTEGER,
  }
  return { kind: FrameKind.transactions, ...link, ...at, transactions: [], parts: 0 }
}

const check = (look: Parameters<typeof meldAll>[1]): void =>
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), (records) => {
      meldAll(records, look)
    }),
  )

test('time never runs backwards, and is that of the record where both clocks agree', () => {
  check((frame, time, before, after) => {
    expect(after).toBeGreaterThanOrEqual(before)
    if (frame.at === undefined || Math.abs(frame.at - time) <= clockJumpMsMax)
      expect(after).toBe(Math.max(before, time))
  })
})

test('one clock alone moves time by no more than what may have passed unheard', () => {
  check(({ at = Number.POSITIVE_INFINITY }, time, before, after) => {
    const both = Math.min(at, time) + clockJumpMsMax
    expect(after).toBeLessThanOrEqual(Math.max(before + clockSilentMsMax, both))
  })
})

test('who joins brings the clock of its machine: of two that contradict each other the earlier one is believed', () => {
  check(({ kind, at }, time, before, after, contested) => {
    if (!contested || at === undefined || kind === FrameKind.transactions) return
    expect(after).toBe(Math.max(before, Math.min(at, time)))
  })
})

test('time goes on by the clocks of units when that of the log has been set back', () => {
  check(({ kind, at }, time, before, after, contested) => {
    if (!contested || at === undefined || kind !== FrameKind.transactions) return
    if (at > time && at > before && at <= before + clockSilentMsMax) expect(after).toBe(at)
  })
})

test('what is ignored moves time only where both clocks agree, and is nobody’s alarm', () => {
  check((frame, time, before, after, contested) => {
    if (frame.kind !== FrameKind.transactions || frame.previous < frame.id) return
    expect(contested).toBe(false)
    if (Math.abs((frame.at ?? time) - time) > clockJumpMsMax) expect(after).toBe(before)
  })
})

test('a record whose clocks agree is never later than the time it leaves, ignored or not', () => {
  check((frame, time, _, after) => {
    if (clocksAgree(frame, time)) expect(time).toBeLessThanOrEqual(after)
  })
})

test('a time that is none moves nothing', () => {
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const state = new SpaceState()
    const melder = new Melder(state, decodeTransactions)
    melder.meld({ kind: FrameKind.join, unit: 'unit', nonce: 1, at: startMs }, 1, startMs)
    melder.meld(frameOf('chained', { at }, 0), 2, startMs - 10_000)
    expect(state.time).toBe(startMs)
  }
})
