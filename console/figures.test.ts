import { expect, test } from 'vitest'
import { countedBetween, increase, quantileMs, together } from './figures.ts'

const bounds = [0.001, 0.01, 0.1]
const figures = (counts: readonly number[], outcomes: Readonly<Record<string, number>> = {}) => ({
  ...{ bounds, counts, outcomes },
})

test('a counter that began anew has counted all that it says', () => {
  expect(increase(5, 3)).toBe(2)
  expect(increase(2, 3)).toBe(2)
  expect(increase(2, undefined)).toBe(2)
  const before = figures([10, 0, 0, 0], { ok: 10 })
  expect(countedBetween(figures([12, 1, 0, 0], { ok: 12, rejected: 1 }), before)).toMatchObject({
    counts: [2, 1, 0, 0],
    outcomes: { ok: 2, rejected: 1 },
  })
  expect(countedBetween(figures([3, 0, 0, 0], { ok: 3 }), before).outcomes).toEqual({ ok: 3 })
  expect(countedBetween(undefined, before).counts).toEqual([])
})

test('quantiles lie within their bucket, and never beyond the last bound', () => {
  expect(quantileMs(figures([100, 0, 0, 0]), 0.5)).toBeCloseTo(0.5)
  expect(quantileMs(figures([50, 50, 0, 0]), 0.99)).toBeCloseTo(9.82)
  expect(quantileMs(figures([0, 0, 0, 7]), 0.5)).toBe(100)
  expect(quantileMs(figures([0, 0, 0, 0]), 0.5)).toBeUndefined()
})

test('what several have counted adds up', () => {
  const sum = together([
    figures([1, 0, 0, 0], { ok: 1 }),
    { bounds: [], counts: [], outcomes: {} },
    figures([0, 2, 0, 0], { ok: 1, overloaded: 1 }),
  ])
  expect(sum).toEqual({ bounds, counts: [1, 2, 0, 0], outcomes: { ok: 2, overloaded: 1 } })
})
