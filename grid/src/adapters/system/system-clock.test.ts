import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SystemClock } from './system-clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('calls once, after the time asked for, months away as well', () => {
  const clock = new SystemClock()
  const monthsMs = 90 * 24 * 3600 * 1000
  const callback = vi.fn()
  clock.after(monthsMs, callback)
  vi.advanceTimersByTime(monthsMs - 1)
  expect(callback).not.toHaveBeenCalled()
  vi.advanceTimersByTime(monthsMs)
  expect(callback).toHaveBeenCalledOnce()
})

test('a cancelled timer is silent, however far it has come', () => {
  const clock = new SystemClock()
  const callback = vi.fn()
  const timer = clock.after(2 ** 32, callback)
  vi.advanceTimersByTime(2 ** 31 + 10)
  timer.cancel()
  vi.advanceTimersByTime(2 ** 33)
  expect(callback).not.toHaveBeenCalled()
})
