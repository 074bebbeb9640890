import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitUntilOptions {
  /** Milliseconds after which waiting fails. */
  timeoutMs: number
  /** What is waited for, for the error: `Gave up waiting for <what> after …`. */
  what: string
  /** Milliseconds between two looks; 20 by default. */
  intervalMs?: number
}

/**
 * Looks until the condition gives something truthy, and returns that. A condition that throws is a
 * condition not met yet; its last error becomes the cause when time runs out.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  options: WaitUntilOptions,
): Promise<NonNullable<T>> {
  const { timeoutMs, what, intervalMs = 20 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let cause: unknown
    try {
      const found = await condition()
      if (found) return found
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) {
      const because = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(`Gave up waiting for ${what} after ${timeoutMs} ms${because}`, { cause })
    }
    await sleep(intervalMs)
  }
}
