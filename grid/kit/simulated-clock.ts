import type { Clock, Timer } from '../engine/ports/clock.ts'

interface Due {
  readonly at: number
  /** Callbacks due at the same time run in the order in which they were asked for. */
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

const isBefore = (left: Due, right: Due): boolean =>
  left.at < right.at || (left.at === right.at && left.order < right.order)

export interface SimulatedClockOptions {
  /** What `now()` says at first, ms since the epoch. Default: 2026-01-01T00:00:00Z. */
  readonly startMs?: number
}

/**
 * Virtual time: it stands still until a test moves it, and then runs what has become due, in order,
 * each callback at exactly the time it asked for. The waiting callbacks form a binary heap.
 */
export class SimulatedClock implements Clock {
  readonly #heap: Due[] = []
  #elapsedMs = 0
  #epochMs: number
  #order = 0

  constructor(options: SimulatedClockOptions = {}) {
    this.#epochMs = options.startMs ?? Date.UTC(2026, 0, 1)
  }

  now(): number {
    return this.#epochMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  worked(): number {
    return this.monotonic()
  }

  after(ms: number, callback: () => void): Timer {
    const due: Due = {
      at: this.#elapsedMs + Math.max(0, ms),
      order: this.#order++,
      callback,
      cancelled: false,
    }
    this.#push(due)
    return {
      cancel: () => {
        due.cancelled = true
      },
    }
  }

  soon(callback: () => void): void {
    this.after(0, callback)
  }

  /**
   * Sets the wall clock off by `ms` (either way), as an administrator or a time server would. No
   * timer notices.
   */
  jump(ms: number): void {
    this.#epochMs += ms
  }

  /**
   * Moves to the next callback that is due by `until` (in `monotonic()` time) and runs it. False
   * when there is none.
   */
  runNext(until = Number.POSITIVE_INFINITY): boolean {
    for (
      let next = this.#heap[0];
      next && (next.cancelled || next.at <= until);
      next = this.#heap[0]
    ) {
      this.#pop()
      if (next.cancelled) continue
      this.#elapsedMs = next.at
      next.callback()
      return true
    }
    return false
  }

  /**
   * Lets `ms` pass. Between two callbacks every promise that can settle does, so that what one of
   * them awaits is scheduled before the time moves on.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms
    await settle()
    while (this.runNext(until)) await settle()
    this.#elapsedMs = until
  }

  #push(due: Due): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(due, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

/** A turn of the real event loop: Node empties its whole queue of microtasks before it. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
