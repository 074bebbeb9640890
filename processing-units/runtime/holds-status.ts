import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { HoldsStatus } from '@spacegrid/grid/doors/request/serving'

/** @param waiting commands that wait for something to be let go, or for their turn */
export function holdsStatus({ holds, time }: SpaceState, waiting: number): HoldsStatus {
  let oldestMs = 0
  for (const { since } of holds.all()) oldestMs = Math.max(oldestMs, time - since)
  return { count: holds.size, oldestMs, waiting }
}
