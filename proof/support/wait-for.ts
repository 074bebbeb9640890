import { waitUntil } from 'spacegrid/servers/wait-until'

export interface WaitForOptions {
  /** Milliseconds after which the test fails; 10,000 by default, for a busy machine is slow. */
  timeoutMs?: number
  /** What is waited for: `Gave up waiting for <what> after …`. */
  what: string
}

/**
 * Looks until the condition gives something truthy, and returns that. While it throws it is not
 * met.
 */
export function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions,
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, what } = options
  return waitUntil(condition, { timeoutMs, what })
}
