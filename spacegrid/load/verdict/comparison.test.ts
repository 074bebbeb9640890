import { expect, test } from 'vitest'
import type { Measured, SecondSummary } from '../measured.ts'
import { seededRandom } from '../random.ts'
import { compareRuns, medianInterval } from './comparison.ts'

const plan = { application: 'ticketing', profile: 'spike', rate: 10, seed: 1 }

/** A run whose latencies scatter by as much as a third, round a level of each second. */
function run(seed: number, factor: number, seconds = 30, options = {}): Measured {
  const random = seededRandom(seed)
  const level = (second: number) => (second % 10 < 5 ? 5 : 80)
  const latencies = (second: number) => {
    const p50 = factor * level(second) * (1 + (random() - 0.5) / 3)
    return { p50, p90: 2 * p50, p99: 4 * p50 }
  }
  const counts = { offered: 100, admitted: 90, rejected: 0, shed: 10 * factor, failed: 0 }
  const told = Array.from({ length: seconds }, (_, second) => {
    const latencyMs = latencies(second)
    return { second, latencyMs, operations: { hold: { ...counts, ...latencyMs } } }
  }) as unknown as SecondSummary[]
  const latencyMs = { p50: 40 * factor, p90: 80 * factor, p99: 160 * factor, p999: null, max: null }
  return {
    ...{ runId: `run-${seed}`, startedAt: '2024-01-01T00:00:00.000Z' },
    ...{ options: { ...plan, ...options }, total: counts, latencyMs, seconds: told },
    operations: { hold: { ...counts, latencyMs }, [`only-${seed}`]: { ...counts, latencyMs } },
  } as unknown as Measured
}

const verdictsOf = (earlier: Measured, later: Measured) =>
  compareRuns(earlier, later).latencies.map(
    ({ operation, percentile, verdict }) => `${operation} ${percentile} ${verdict}`,
  )

const all = (verdict: string) =>
  ['all', 'hold'].flatMap((operation) =>
    ['p50', 'p90', 'p99'].map((percentile) => `${operation} ${percentile} ${verdict}`),
  )

test('the same again is within the spread, though seconds differ by 16 times', () => {
  expect(verdictsOf(run(1, 1), run(2, 1))).toEqual(all('within the spread'))
  const pairs = Array.from({ length: 300 }, (_, pair) => [run(2 * pair, 1), run(2 * pair + 1, 1)])
  const alarms = pairs.filter(
    ([one, other]) =>
      verdictsOf(one as Measured, other as Measured)[0] !== 'all p50 within the spread',
  )
  expect(alarms.length).toBeLessThan(9)
})

test('a third more, or less, of every second is told', () => {
  expect(verdictsOf(run(1, 1), run(2, 1.33))).toEqual(all('slower'))
  expect(verdictsOf(run(1, 1.33), run(2, 1))).toEqual(all('faster'))
  const [first] = compareRuns(run(1, 1), run(2, 1.33)).latencies
  expect(first?.ratio).toBeCloseTo(1.33)
  expect(first?.low).toBeLessThan(first?.bySecond ?? 0)
  expect(first?.high).toBeGreaterThan(first?.bySecond ?? 2)
})

test('with few seconds, or another plan, no verdict is given', () => {
  expect(verdictsOf(run(1, 1, 5), run(2, 2, 5))).toEqual(all('unsure'))
  const { otherPlan, latencies } = compareRuns(run(1, 1), run(2, 2, 30, { rate: 20, peak: 7 }))
  expect(otherPlan).toEqual(['rate', 'peak'])
  expect(new Set(latencies.map(({ verdict }) => verdict))).toEqual(new Set(['unsure']))
  expect(latencies[0]?.ratio).toBe(2)
})

test('shares of what was shed and failed stand beside each other, where there are any', () => {
  expect(compareRuns(run(1, 1), run(2, 2)).shares).toEqual([
    { operation: 'all', outcome: 'shed', earlier: 0.1, later: 0.2 },
    { operation: 'hold', outcome: 'shed', earlier: 0.1, later: 0.2 },
  ])
})

test('the interval holds the true median in about 99 of 100 samples', () => {
  const random = seededRandom(7)
  const tries = 2000
  let held = 0
  for (let attempt = 0; attempt < tries; attempt += 1) {
    // Skewed, as ratios are: the median of exp(x) with a symmetric x is 1.
    const values = Array.from({ length: 25 }, () => Math.exp(random() + random() - 1))
    const { low = 0, high = 0 } = medianInterval(values)
    if (low <= 1 && high >= 1) held += 1
  }
  expect(held / tries).toBeGreaterThan(0.98)
  expect(held / tries).toBeLessThan(1)
  expect(medianInterval([1, 2, 3])).toEqual({ median: 2, low: undefined, high: undefined })
})
