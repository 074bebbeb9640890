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

/** A machine whose counters are moved by hand. */
function machine() {
  const counted = { awake: 1000, up: 50_000 }
  const clock = new SystemClock({ awake: () => counted.awake, up: () => counted.up })
  const pass = (ms: number, sleptMs = 0) => {
    counted.awake += ms
    counted.up += ms + sleptMs
  }
  return { clock, counted, pass }
}

test('its monotonic time goes on while the machine sleeps', () => {
  const { clock, pass } = machine()
  pass(10_000)
  const before = clock.monotonic()
  pass(300, 3_600_000)
  expect(clock.monotonic() - before).toBe(3_600_300)
  pass(5000)
  expect(clock.monotonic() - before).toBe(3_605_300)
  pass(300, 60_000)
  expect(clock.monotonic() - before).toBe(3_665_600)
})

test('a counter of whole seconds makes no sleep, and neither does one that runs a little faster', () => {
  const { clock, counted } = machine()
  const before = clock.monotonic()
  for (let look = 0; look < 2000; look++) {
    counted.awake += 260
    counted.up = Math.floor((counted.awake * 1.001) / 1000) * 1000 + 49_000
    expect(clock.monotonic() - before).toBe((look + 1) * 260)
  }
})

test('a process that was stopped between two readings has not slept', () => {
  const counted = { awake: 0, up: 0 }
  let stopMs = 0
  const clock = new SystemClock({
    awake: () => counted.awake,
    up: () => {
      counted.awake += stopMs
      counted.up += stopMs
      return counted.up
    },
  })
  for (const ms of [300, 30_000, 300, 300]) {
    stopMs = ms > 1000 ? ms : 0
    counted.awake += 300
    counted.up += 300
    clock.monotonic()
  }
  stopMs = 0
  expect(clock.monotonic()).toBe(counted.awake)
})
