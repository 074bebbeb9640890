import { describe, expect, test } from 'vitest'
import { waitText } from './wait-text.ts'

describe('the wait in words', () => {
  test.each([
    [1, 0, 3, true, 'a moment'],
    [20, 15, 25, true, 'about 20 seconds (15 to 25 seconds)'],
    [240, 200, 300, true, 'about 4 minutes (3 to 5 minutes)'],
    [45, 30, 90, true, 'about 45 seconds (30 seconds to 2 minutes)'],
    [240, 239, 241, true, 'about 4 minutes'],
    [60, 58, 62, true, 'about 1 minute'],
    [7200, 6900, 10_800, true, 'about 2 hours (2 to 3 hours)'],
    [600, 0, 700, false, 'at most about 12 minutes'],
  ])('%i s, from %i to %i', (seconds, from, to, isSettled, text) => {
    expect(waitText({ seconds, from, to, isSettled })).toBe(text)
  })
})
