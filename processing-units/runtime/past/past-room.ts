import { GridError } from '@spacegrid/grid/core/errors'
import { estimateBytes } from '@spacegrid/grid/core/estimate-bytes'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { type MemoryWatch, roomShare } from '@spacegrid/grid/engine/memory/memory-watch'

/** What an entry takes in memory, compared with its value as JSON: with keys, indexes and maps. */
const timesJson = 3

/**
 * Room in a process for states of the past. Those that are being made at the same time, of several
 * partitions, are not measured yet: what they will need is taken.
 */
export class PastRoom {
  #takenBytes = 0

  /**
   * Takes room for another state, judged by the one that is live. The answer gives it back, when
   * the state has been made and is measured with everything else.
   * @throws GridError `memory_full`
   */
  take(memory: MemoryWatch | undefined, live: SpaceState | undefined): () => void {
    const status = memory?.status()
    if (!status || !live) return () => undefined
    const { usedBytes, budgetBytes } = status
    const neededBytes = timesJson * estimateBytes(live)
    if (usedBytes + this.#takenBytes + neededBytes > roomShare * budgetBytes)
      throw new GridError(
        'memory_full',
        'There is no memory for a state of the past beside the present one',
        { retryAfterMs: 10_000, details: { usedBytes, neededBytes, budgetBytes } },
      )
    this.#takenBytes += neededBytes
    return () => {
      this.#takenBytes -= neededBytes
    }
  }
}
