import { expect, test } from 'vitest'
import { AdaptiveLimit } from './adaptive-limit.ts'

const limited = () => new AdaptiveLimit({ targetMs: 20, min: 32, max: 16_384 })

test('falls in proportion to the excess, from what was under way, at most by half', () => {
  const limit = limited()
  limit.adapt(40, 1000)
  expect(limit.value).toBe(750)
  limit.adapt(1_000_000, 2000)
  expect(limit.value).toBe(375)
})

test('stays where the delay is the target, and grows below it', () => {
  const limit = limited()
  limit.adapt(40, 1000)
  limit.adapt(20, 750)
  expect(limit.value).toBe(750)
  limit.adapt(0, 10)
  expect(limit.value).toBe(938)
})

test('is never below its least, and back at its most within 29 intervals', () => {
  const limit = limited()
  for (let interval = 0; interval < 50; interval++) limit.adapt(5000, 1000)
  expect(limit.value).toBe(32)
  for (let interval = 0; interval < 29; interval++) limit.adapt(0, 0)
  expect(limit.value).toBe(16_384)
})

test('leads a queue whose server takes a fixed number to its target, whatever that number is', () => {
  for (const perInterval of [100, 1000, 10_000]) {
    const limit = limited()
    let delayMs = 0
    const seen: number[] = []
    for (let interval = 0; interval < 200; interval++) {
      const waiting = Math.min(limit.value, 20_000)
      delayMs = Math.max(0, (waiting / perInterval) * 100)
      limit.adapt(delayMs, waiting)
      seen.push(delayMs)
    }
    const late = seen.slice(100)
    // The least limit is more than what 20 ms take of the slowest.
    const target = Math.max(20, (32 / perInterval) * 100)
    expect(Math.max(...late)).toBeLessThan(target * 1.3)
    expect(Math.min(...late)).toBeGreaterThan(target * 0.7)
  }
})
