import { setTimeout as sleep, setImmediate as yieldToAnswers } from 'node:timers/promises'

export interface OpenLoopOptions {
  /** Ms since the run began. */
  readonly now: () => number
  /** Stops further arrivals. */
  readonly signal: AbortSignal
}

/**
 * Arrivals started in one go before answers get their turn: a burst must not keep the generator
 * from reading.
 */
const burstMax = 128

/**
 * Starts every arrival at its intended time, whatever became of the ones before: nothing here waits
 * for an answer. An arrival that is overdue, because the timer was late or the process busy, starts
 * at once and keeps its intended time, so its latency contains the delay.
 *
 * Timers tick in ms. Spinning between ticks would be more exact but takes a processor that the grid
 * under test may need.
 */
export async function runOpenLoop(
  timesMs: Iterable<number>,
  start: (intendedMs: number, index: number) => void,
  options: OpenLoopOptions,
): Promise<void> {
  const { now, signal } = options
  let index = 0
  let burst = 0
  for (const intendedMs of timesMs) {
    const waitMs = intendedMs - now()
    if (waitMs > 0) {
      burst = 0
      if (!(await sleepUnlessAborted(waitMs, signal))) return
    } else if (++burst >= burstMax) {
      burst = 0
      await yieldToAnswers()
    }
    if (signal.aborted) return
    start(intendedMs, index)
    index += 1
  }
}

export async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal })
    return true
  } catch {
    // A sleep fails for one reason only: the signal.
    return false
  }
}
