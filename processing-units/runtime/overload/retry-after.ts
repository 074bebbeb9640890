import type { Random } from '@spacegrid/grid/engine/ports/random'

const retryMsMax = 10_000

/**
 * What somebody is told who is turned away: when to come back, ms, a quarter more or less than the
 * wait that is expected, so that they do not all come back together.
 */
export function retryAfter(waitMs: number, random: Random): number {
  const jitter = 0.75 + (random.integer() % 1024) / 2048
  return Math.round(Math.min(retryMsMax, waitMs * jitter))
}
