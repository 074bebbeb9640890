import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shareTurns, type TurnLane } from './lane-turns.ts'

const lane = (name: string, share: number, waiting: number, turn = 0): TurnLane => ({
  ...{ lane: name, share, waiting, turn },
})
const counts = (lanes: readonly TurnLane[], total: number) =>
  Object.fromEntries(shareTurns(lanes, total).map((one) => [one.lane, one.count]))

describe('turns among lanes', () => {
  test('are shared out by their shares', () => {
    expect(counts([lane('a', 1, 100), lane('b', 3, 100)], 40)).toEqual({ a: 10, b: 30 })
  })

  test('go to others where nobody waits', () => {
    expect(counts([lane('a', 1, 5), lane('b', 9, 0)], 10)).toEqual({ a: 5, b: 0 })
    expect(counts([lane('a', 1, 100), lane('b', 9, 3)], 10)).toEqual({ a: 7, b: 3 })
  })

  test('one at a time come to the same as many at once', () => {
    let lanes = [lane('a', 1, 1000), lane('b', 3, 1000), lane('c', 6, 1000)]
    const total = { a: 0, b: 0, c: 0 }
    for (let turn = 0; turn < 100; turn++)
      lanes = shareTurns(lanes, 1).map((one, at) => {
        total[one.lane as 'a'] += one.count
        const before = lanes[at] as TurnLane
        return { ...before, turn: one.turn, waiting: before.waiting - one.count }
      })
    expect(total).toEqual({ a: 10, b: 30, c: 60 })
  })

  test('are not saved up while nobody waits', () => {
    let lanes = [lane('a', 1, 1000), lane('b', 1, 0)]
    lanes = shareTurns(lanes, 500).map((one, at) => ({
      ...(lanes[at] as TurnLane),
      turn: one.turn,
    }))
    const [a, b] = shareTurns(
      [{ ...(lanes[0] as TurnLane) }, { ...(lanes[1] as TurnLane), waiting: 100 }],
      20,
    )
    expect(a?.count).toBeGreaterThanOrEqual(9)
    expect(b?.count).toBeGreaterThanOrEqual(9)
  })

  test('whatever the lanes are: never more than wait, never fewer than can be', () => {
    const lanes = fc.array(
      fc.record({ share: fc.integer({ min: 1, max: 9 }), waiting: fc.nat(50), turn: fc.nat(20) }),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(lanes, fc.nat(120), (made, total) => {
        const named = made.map((one, at) => ({ ...one, lane: String(at) }))
        const shared = shareTurns(named, total)
        const sum = shared.reduce((all, { count }) => all + count, 0)
        const waiting = named.reduce((all, one) => all + one.waiting, 0)
        expect(sum).toBe(Math.min(total, waiting))
        for (const [at, { count, turn }] of shared.entries()) {
          expect(count).toBeLessThanOrEqual(named[at]?.waiting ?? 0)
          expect(turn).toBeGreaterThanOrEqual(named[at]?.turn ?? 0)
        }
      }),
      { numRuns: 300 },
    )
  })
})
