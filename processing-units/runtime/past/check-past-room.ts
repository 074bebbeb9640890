import { GridError } from '@spacegrid/grid/core/errors'
import { estimateBytes } from '@spacegrid/grid/core/estimate-bytes'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { type MemoryWatch, roomShare } from '@spacegrid/grid/engine/memory/memory-watch'

/** What an entry takes in memory, compared with its value as JSON: with keys, indexes and maps. */
const timesJson = 3

/**
 * Whether another state of the space finds room in the process, judged by the one that is live.
 * @throws GridError `memory_full`
 */
export function checkPastRoom(memory: MemoryWatch | undefined, live: SpaceState | undefined): void {
  const status = memory?.status()
  if (!status || !live) return
  const { usedBytes, budgetBytes } = status
  const neededBytes = timesJson * estimateBytes(live)
  if (usedBytes + neededBytes <= roomShare * budgetBytes) return
  throw new GridError(
    'memory_full',
    'There is no memory for a state of the past beside the present one',
    { retryAfterMs: 10_000, details: { usedBytes, neededBytes, budgetBytes } },
  )
}
