import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../../ports/clock.ts'

/** Node lets a timer that is set for longer go off at once. */
const timeoutMsMax = 2 ** 31 - 1

/**
 * The machine's own time. Nothing it schedules keeps the process alive, except `soon`, which is due
 * at once.
 */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  after(ms: number, callback: () => void): Timer {
    let timeout: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      const partMs = Math.min(leftMs, timeoutMsMax)
      timeout = setTimeout(() => (partMs < leftMs ? wait(leftMs - partMs) : callback()), partMs)
      timeout.unref()
    }
    wait(ms)
    return { cancel: () => clearTimeout(timeout) }
  }

  soon(callback: () => void): void {
    setImmediate(callback)
  }
}
