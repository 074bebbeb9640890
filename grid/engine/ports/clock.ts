export interface Timer {
  cancel(): void
}

/** Time and turns, injected so that tests and the simulator decide them. */
export interface Clock {
  /** ms since the epoch; may jump either way. */
  now(): number
  /** ms, never backwards, for durations only. */
  monotonic(): number
  /**
   * ms of processor time that this thread has taken, for what work costs: it does not go on while
   * the process is stopped or others have the processor. Some microseconds, more than `monotonic`.
   */
  worked(): number
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

/**
 * What a promise gives, if it does so within the time; otherwise the error that `late` makes is
 * thrown.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => Error,
): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const timer = clock.after(ms, () => reject(late()))
  try {
    return await Promise.race([promise, over])
  } finally {
    timer.cancel()
  }
}

/** What somebody comes to who is told by a signal when the time is over, and then gives up. */
export async function inTime<T>(
  clock: Clock,
  ms: number,
  work: (over: AbortSignal) => Promise<T>,
): Promise<T> {
  const time = new AbortController()
  const timer = clock.after(ms, () => time.abort())
  try {
    return await work(time.signal)
  } finally {
    timer.cancel()
  }
}

/** As `within`, for a result that one of the application's callbacks has promised. */
export const keptWithin = (clock: Clock, ms: number, result: Promise<unknown>): Promise<unknown> =>
  within(clock, ms, result, () => new Error(`its promise was not kept within ${ms} ms`))
