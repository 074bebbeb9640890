import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../../ports/clock.ts'

/** The machine's own time. Nothing it schedules keeps the process alive, except `soon`, which is due at once. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  after(ms: number, callback: () => void): Timer {
    const timeout = setTimeout(callback, ms)
    timeout.unref()
    return { cancel: () => clearTimeout(timeout) }
  }

  soon(callback: () => void): void {
    setImmediate(callback)
  }
}
