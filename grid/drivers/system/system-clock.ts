import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../../engine/ports/clock.ts'

/** Node lets a timer that is set for longer go off at once. */
const timeoutMsMax = 2 ** 31 - 1
/** How often the two counters are compared. */
const lookMs = 250
/** One that differs by less from the other was read in whole seconds, or a little later. */
const sleptMsMin = 2000
/** Two readings are of one moment if no more than this lies between them. */
const momentMsMax = 100

/**
 * What a machine counts of its own, ms: one counter stands still while the machine sleeps, the
 * other does not.
 */
export interface MachineCounters {
  readonly awake: () => number
  readonly up: () => number
}

const systemCounters: MachineCounters = {
  awake: () => performance.now(),
  up: () => uptime() * 1000,
}

/**
 * The machine's own time. Nothing it schedules keeps the process alive, except `soon`, which is due
 * at once.
 */
export class SystemClock implements Clock {
  readonly #counters: MachineCounters
  #lookedAt: number
  #upThen: number
  #sleptMs = 0

  constructor(counters = systemCounters) {
    this.#counters = counters
    this.#lookedAt = counters.awake()
    this.#upThen = counters.up()
  }

  now(): number {
    return Date.now()
  }

  /** Goes on while the machine sleeps, where the machine counts that at all. */
  monotonic(): number {
    const awake = this.#counters.awake()
    if (awake - this.#lookedAt >= lookMs) this.#look(awake)
    return awake + this.#sleptMs
  }

  worked(): number {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }

  #look(awake: number): void {
    const up = this.#counters.up()
    // The process itself may have been stopped between the two.
    if (this.#counters.awake() - awake > momentMsMax) return
    const sleptMs = up - this.#upThen - (awake - this.#lookedAt)
    if (sleptMs >= sleptMsMin) this.#sleptMs += sleptMs
    this.#lookedAt = awake
    this.#upThen = up
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
