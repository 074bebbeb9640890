import { describe, expect, test } from 'vitest'
import { lookPauseMs, looksPerS } from './look-pause.ts'

const waitOf = (seconds: number) => ({ seconds, from: 0, to: seconds * 2, isSettled: false })

describe('after how long somebody looks again', () => {
  test.each([
    ['a tenth of the wait', 100, 300, 30_000],
    ['a minute at most', 100, 3600, 60_000],
    ['a second at least', 100, 3, 1000],
    ['a second where it is next', 100, 0.5, 1000],
    ['seldomer where many wait', 30_000, 200, 30_000],
    ['and seldomer than once a minute where very many do', 1_000_000, 4000, 1_000_000],
    ['but never later than after half of the wait', 1_000_000, 60, 30_000],
  ])('%s', (_, waiting, seconds, ms) => {
    expect(lookPauseMs(waiting, waitOf(seconds))).toBe(ms)
  })

  test('where nobody knows how long it takes: a second, and seldomer where many wait', () => {
    expect(lookPauseMs(100, undefined)).toBe(1000)
    expect(lookPauseMs(30_000, undefined)).toBe(30_000)
  })

  test.each([
    [10_000, 100],
    [100_000, 300],
    [1_000_000, 300],
    [1_000_000, 1000],
  ])(
    '%i who wait and move by %i a second: not many more looks than are wanted',
    (waiting, perS) => {
      let looks = 0
      for (let ahead = 1; ahead <= waiting; ahead++)
        looks += 1000 / lookPauseMs(waiting, waitOf(ahead / perS))
      expect(looks).toBeLessThan(looksPerS + perS * (2 + 2 * Math.log2(waiting / looksPerS)))
    },
  )
})
