import { describe, expect, it } from 'vitest'
import { retryAfterMsOf, retryDelayMs } from './retry-policy.ts'

const policy = { retriesMax: 3, retryAfterMaxMs: 5000 }
const random = Math.random

describe('retryDelayMs', () => {
  it('never comes back earlier than the grid asked, nor much later', () => {
    for (let count = 0; count < 200; count += 1) {
      const delayMs = retryDelayMs(policy, 1, 1000, random)
      expect(delayMs).toBeGreaterThanOrEqual(1000)
      expect(delayMs).toBeLessThanOrEqual(1200)
    }
  })

  it('waits longer each time when nobody says how long', () => {
    const delays = [1, 2, 3].map((attempts) => retryDelayMs(policy, attempts, undefined, () => 0))
    expect(delays).toEqual([100, 200, 400])
  })

  it('gives up after the allowed retries, and at once when asked to wait too long', () => {
    expect(retryDelayMs(policy, 4, 0, random)).toBeUndefined()
    expect(retryDelayMs(policy, 1, 5001, random)).toBeUndefined()
    expect(retryDelayMs({ ...policy, retriesMax: 0 }, 1, 0, random)).toBeUndefined()
  })
})

describe('retryAfterMsOf', () => {
  const nowMs = Date.UTC(2024, 0, 1, 12, 0, 0)

  it.each([
    ['2', 2000],
    ['0', 0],
    ['0.5', 500],
    ['Mon, 01 Jan 2024 12:00:03 GMT', 3000],
    ['Mon, 01 Jan 2024 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j as %j', (header, expected) => {
    expect(retryAfterMsOf(header, nowMs)).toBe(expected)
  })
})
