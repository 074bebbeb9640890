export interface Timer {
  cancel(): void
}

/** Time and turns, injected so that tests and the simulator decide them. */
export interface Clock {
  /** ms since the epoch; may jump either way. */
  now(): number
  /** ms, never backwards, for durations only. */
  monotonic(): number
  /** Calls once after `ms`; a pending timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer
  /** Calls once, soon, after the work that is already queued. */
  soon(callback: () => void): void
}

export const sleep = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const timer = clock.after(ms, done)
    function done() {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done, { once: true })
  })
