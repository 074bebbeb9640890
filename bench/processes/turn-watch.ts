import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the event loop is looked at, ms. */
const lookMs = 1

export interface LongestTurn {
  /** As others met it: with what the machine did meanwhile for somebody else. */
  readonly ms: number
  /** Of the thread's own time. */
  readonly cpuMs: number
}

/**
 * Measures the longest turn of this process's event loop, in time and in what the thread itself has
 * worked.
 */
export class TurnWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: lookMs })
  #timer: NodeJS.Timeout | undefined
  #cpuMs = 0

  start(): void {
    this.#delay.reset()
    this.#delay.enable()
    this.#cpuMs = 0
    let before = workedMs()
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      const now = workedMs()
      this.#cpuMs = Math.max(this.#cpuMs, now - before)
      before = now
    }, lookMs).unref()
  }

  longest(): LongestTurn {
    // What is recorded is the time between two looks.
    return { ms: this.#delay.max / 1e6 - lookMs, cpuMs: this.#cpuMs }
  }
}

function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
