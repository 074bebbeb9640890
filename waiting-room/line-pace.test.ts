import { describe, expect, test } from 'vitest'
import { admittedNow, firstPace, insideOf, nextPace, showRateOf } from './line-pace.ts'
import type { AdmittedStep, LinePace, LineSignals, LineState } from './line-state.ts'
import { simulatedRoom } from './test-support/simulated-line.ts'

const room = { ...simulatedRoom, insideFirst: 100, visitMs: 60_000, claimMs: 10_000 }
const now = 1_000_000
const step = (more: Partial<AdmittedStep> = {}): AdmittedStep => ({
  ...{ key: 'a', lane: 'general', from: 1, upTo: 100, atMs: now - 1000 },
  ...{ claimed: 100, finished: 0, ...more },
})
const pace = (more: Partial<LinePace> = {}): LinePace => ({
  ...firstPace(room),
  ...{ updatedAtMs: now - 2000, finishedPerS: 5, ...more },
})
const state = (
  signals: Partial<LineSignals> = {},
  more: Partial<LineState> = {},
  given = 1000,
): LineState => ({
  ...{ line: 'shop', step: 1, pace: pace(), steps: [step()] },
  signals: { committed: 0, shed: 0, finished: 0, ...signals },
  lanes: [{ lane: 'general', share: 1, given, admitted: 100, turn: 0 }],
  ...more,
})

describe('how many may be inside', () => {
  test('grows by each finished visit, until it is known to be too many', () => {
    expect(nextPace(state({ committed: 30, finished: 10 }), room, now).window).toBe(110)
    const settled = pace({ settledAtMs: now - 10_000, threshold: 100 })
    const grown = nextPace(state({ committed: 30, finished: 10 }, { pace: settled }), room, now)
    expect(grown.window).toBeCloseTo(100.5)
  })

  test('does not grow while it is not used, or nobody waits', () => {
    const few = { steps: [step({ finished: 50 })] }
    expect(nextPace(state({ committed: 30, finished: 10 }, few), room, now).window).toBe(100)
    expect(nextPace(state({ committed: 30, finished: 10 }, {}, 100), room, now).window).toBe(100)
  })

  test('falls by half the share of what is turned away, once in a visit', () => {
    const next = nextPace(state({ committed: 80, shed: 20 }), room, now)
    expect(next).toMatchObject({ window: 90, reducedAtMs: now, settledAtMs: now, isHeld: false })
    const after = state(
      { committed: 160, shed: 40 },
      { pace: { ...next, updatedAtMs: now - 1000 } },
    )
    expect(nextPace(after, room, now + 1000).window).toBe(90)
    const late = { ...after, pace: { ...after.pace, updatedAtMs: now + 59_000 } }
    expect(nextPace(late, room, now + 60_000).window).toBeLessThan(90)
  })

  test('grows ever faster while nothing is turned away: there may be more units', () => {
    // Five visits a second of a hundred inside: one takes 20 s.
    const grown = (sinceMs: number) => {
      const settled = pace({ settledAtMs: 1, threshold: 100, reducedAtMs: now - sinceMs })
      return nextPace(state({ committed: 30, finished: 10 }, { pace: settled }), room, now).window
    }
    expect(grown(40_000)).toBeCloseTo(100.5)
    expect(grown(60_000)).toBeCloseTo(101)
    expect(grown(80_000)).toBeCloseTo(102)
    expect(grown(600_000)).toBeCloseTo(105)
  })

  test('stays within its limits', () => {
    const most = nextPace(state({ finished: 20_000 }), { ...room, insideMax: 120 }, now)
    expect(most).toMatchObject({ window: 120, settledAtMs: now })
    const least = pace({ window: 1, finishedPerS: 0 })
    expect(nextPace(state({ committed: 60, shed: 40 }, { pace: least }), room, now).window).toBe(1)
  })
})

describe('what is turned away while less is done than before', () => {
  const usual = pace({ committedPerS: 60 })
  const killed = { committed: 40, shed: 10 }

  test('says nothing of how many may be inside', () => {
    const next = nextPace(state(killed, { pace: usual }), room, now)
    expect(next).toMatchObject({ window: 100, settledAtMs: 0, disturbedAtMs: now })
    // Nor is it forgotten what was done before.
    expect(next.committedPerS).toBe(60)
    const seen = nextPace(state({ committed: 120, shed: 10 }, { pace: usual }), room, now)
    expect(seen.window).toBeLessThan(100)
  })

  const later = (ms: number, signals: Partial<LineSignals>) => {
    const begun = nextPace(state(killed, { pace: usual }), room, now)
    const kept = { ...begun, updatedAtMs: now + ms - 2000 }
    return nextPace(state(signals, { pace: kept }), room, now + ms)
  }

  test('nor does what is caught up with afterwards', () => {
    const next = later(4000, { committed: 180, shed: 40 })
    expect(next).toMatchObject({ window: 100, disturbedAtMs: now })
    expect(later(4000, { committed: 180, shed: 10 })).toMatchObject({ disturbedAtMs: 0 })
  })

  test('unless it lasts: then that is what can be done', () => {
    expect(later(16_000, { committed: 80, shed: 40 }).window).toBeLessThan(80)
  })
})

describe('a line is held', () => {
  const held = { pace: pace({ isHeld: true }) }

  test('while most of what is asked inside is turned away, and learns nothing from it', () => {
    const next = nextPace(state({ committed: 10, shed: 30 }), room, now)
    expect(next).toMatchObject({ isHeld: true, window: 100 })
    expect(admittedNow(state(), next, room, now, 2000)).toBe(0)
  })

  test('until it is done again', () => {
    expect(nextPace(state({ committed: 30, shed: 10 }, held), room, now).isHeld).toBe(false)
  })

  test('no longer than somebody inside asks for something', () => {
    expect(nextPace(state({}, held), room, now).isHeld).toBe(true)
    const silent = state({}, held)
    expect(nextPace(silent, room, now + 10_000).isHeld).toBe(false)
  })
})

describe('who is inside', () => {
  test.each([
    ['all who have come', step(), 100],
    ['not those who are through', step({ finished: 30 }), 70],
    ['those who may still come, less and less', step({ claimed: 0, atMs: now - 5000 }), 50],
    ['not those who have not come in their time', step({ claimed: 20, atMs: now - 20_000 }), 20],
    ['not those whose visit is over by time', step({ atMs: now - 60_000 }), 0],
    ['never less than nobody', step({ claimed: 5, finished: 9, atMs: now - 20_000 }), 0],
  ])('%s', (_, one, inside) => {
    expect(insideOf(state({}, { steps: [one] }), room, now)).toBeCloseTo(inside)
  })

  test('of those whose turn comes as many as came lately', () => {
    const before = step({ claimed: 50, atMs: now - 20_000 })
    expect(showRateOf(state({}, { steps: [before] }), room, now)).toBe(0.5)
    expect(showRateOf(state({}, { steps: [] }), room, now)).toBe(1)
  })
})

describe('who comes in now', () => {
  test.each([
    ['as many as there is room for', { steps: [step({ finished: 30 })] }, 1000, 2000, 30],
    ['no more than wait', { steps: [step({ finished: 30 })] }, 110, 2000, 10],
    ['not all at once', { steps: [] }, 1000, 500, 25],
    ['nobody where it is full', {}, 1000, 2000, 0],
  ])('%s', (_, more, given, sinceStepMs, count) => {
    expect(admittedNow(state({}, more, given), pace(), room, now, sinceStepMs)).toBe(count)
  })
})
