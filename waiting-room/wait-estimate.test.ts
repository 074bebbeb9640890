import { describe, expect, test } from 'vitest'
import { estimateWait, type FlowingLane, type Movement } from './wait-estimate.ts'

/** So many each second, until now. */
const moving = (perS: (second: number) => number, seconds = 120): Movement[] =>
  Array.from({ length: seconds }, (_, at) => ({ atMs: (at + 1) * 1000, count: perS(at) }))
const one = (waiting: number): FlowingLane[] => [
  { lane: 'general', share: 1, waiting, arrivalsPerS: 0 },
]
const asked = (ahead: number, movements: readonly Movement[], lanes = one(10_000)) => ({
  ...{ ahead, lane: 'general', lanes, movements, isSettled: true },
  ...{ sinceMs: 0, nowMs: movements.length * 1000 },
})

describe('the wait that is told', () => {
  test.each([1, 10, 100, 500, 1000])('is what is ahead by the rate: %i', (ahead) => {
    const estimate = estimateWait(
      asked(
        ahead,
        moving(() => 10),
      ),
    )
    expect(estimate?.seconds).toBeCloseTo(ahead / 10, 1)
    expect(estimate?.from).toBeLessThanOrEqual(ahead / 10)
    expect(estimate?.to).toBeGreaterThanOrEqual(ahead / 10)
  })

  test('of whoever is next is none', () => {
    expect(estimateWait(asked(0, []))).toMatchObject({ seconds: 0, from: 0, to: 0 })
  })

  test('is not told while too little is known', () => {
    expect(
      estimateWait(
        asked(
          100,
          moving(() => 10, 2),
        ),
      ),
    ).toBeUndefined()
    expect(
      estimateWait(
        asked(
          100,
          moving(() => 0),
        ),
      ),
    ).toBeUndefined()
  })

  test('has a larger error the less steadily the line moves', () => {
    const steady = estimateWait(
      asked(
        500,
        moving(() => 10),
      ),
    )
    const jerky = estimateWait(
      asked(
        500,
        moving((second) => (second % 10 === 0 ? 100 : 0)),
      ),
    )
    const width = (estimate = steady) => (estimate ? estimate.to - estimate.from : 0)
    expect(width(jerky)).toBeGreaterThan(width(steady) * 1.2)
  })

  test('has a larger error when the rate is changing', () => {
    const steady = estimateWait(
      asked(
        500,
        moving(() => 10),
      ),
    )
    const slowing = estimateWait(
      asked(
        500,
        moving((second) => (second < 90 ? 14 : 6)),
      ),
    )
    expect((slowing?.to ?? 0) - (slowing?.from ?? 0)).toBeGreaterThan(
      1.5 * ((steady?.to ?? 0) - (steady?.from ?? 0)),
    )
  })

  test('looks back about as long as it looks ahead', () => {
    // It was slow until half a minute ago.
    const faster = moving((second) => (second < 90 ? 2 : 10))
    expect(estimateWait(asked(100, faster))?.seconds).toBeCloseTo(10, 0)
    expect(estimateWait(asked(2000, faster))?.seconds).toBeGreaterThan(300)
  })

  test('is at most that long while the line still gets faster', () => {
    const estimate = estimateWait({
      ...asked(
        500,
        moving(() => 10),
      ),
      isSettled: false,
    })
    expect(estimate).toMatchObject({ from: 0, isSettled: false })
  })

  test('knows of lanes: a part of the turns while others wait, and all of them afterwards', () => {
    const lanes = [
      { lane: 'fans', share: 1, waiting: 100, arrivalsPerS: 0 },
      { lane: 'general', share: 1, waiting: 1000, arrivalsPerS: 0 },
    ]
    const movements = moving(() => 10)
    // 5 a second for 20 s, until the fans are in; then 10 a second.
    expect(estimateWait(asked(300, movements, lanes))?.seconds).toBeCloseTo(40, 0)
    expect(estimateWait({ ...asked(100, movements, lanes), lane: 'fans' })?.seconds).toBeCloseTo(
      20,
      0,
    )
  })

  test('knows of those who keep coming in other lanes', () => {
    const lanes = [
      { lane: 'fans', share: 1, waiting: 0, arrivalsPerS: 4 },
      { lane: 'general', share: 1, waiting: 1000, arrivalsPerS: 50 },
    ]
    expect(
      estimateWait(
        asked(
          300,
          moving(() => 10),
          lanes,
        ),
      )?.seconds,
    ).toBeCloseTo(50, 0)
  })
})
