import type { WaitEstimate } from '@spacegrid/grid/doors/request/line-serving'

const pauseMsMin = 1000
const pauseMsMax = 60_000
/** Part of the wait after which it is worth another look. */
const waitShare = 0.1
/** Nobody is told to come back later than after this part of the wait: their turn would pass. */
const waitShareMax = 0.5
/** Looks of one line's visitors, per second, that waiting rooms are to be asked for. */
export const looksPerS = 1000

/**
 * After how long somebody who waits should look again, ms: the longer the wait, the seldomer, and
 * seldom enough for all of them together; but in time. So a line of N is looked at 1000 times a
 * second, and by those whose turn is next a few times more: with a pause of N/1000 s there are
 * r·N/1000 of them, who look log₂ as often.
 * @param waiting who wait in the line, of all lanes
 */
export function lookPauseMs(waiting: number, estimate: WaitEstimate | undefined): number {
  const forAllMs = (1000 * waiting) / looksPerS
  const waitMs = (estimate?.seconds ?? 0) * 1000
  const ownMs = Math.min(pauseMsMax, waitMs * waitShare)
  const lateMs = estimate ? waitMs * waitShareMax : Number.POSITIVE_INFINITY
  return Math.max(pauseMsMin, Math.min(Math.max(ownMs, forAllMs), lateMs))
}
