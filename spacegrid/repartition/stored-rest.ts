import { setTimeout as sleep } from 'node:timers/promises'
import type { Space } from '@spacegrid/grid/core/definition'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import type { Progress } from '../recover/exact-copies.ts'
import { Refused } from '../recover/refused.ts'

const lookMs = 20
/** So long nothing more is stored: something is in the way. */
const stuckMs = 30_000

/**
 * Lets pump and writer of an embedded grid store what the logs have beyond the store. No unit runs,
 * so nothing is added.
 * @param space with the number of partitions that it has
 * @throws Refused when it does not come to its end; GridError `configuration_invalid` while the
 * grid runs
 */
export async function storeRest(space: Space, folder: string, progress: Progress): Promise<void> {
  const problems: string[] = []
  const grid = new EmbeddedGrid([space], {
    dataDirectory: folder,
    unitsPerSpace: 0,
    tell: (who, { level, message }) => {
      if (level === 'error' || level === 'warn') problems.push(`${who}: ${message}`)
    },
  })
  grid.start()
  try {
    let least = Number.POSITIVE_INFINITY
    let since = performance.now()
    for (;;) {
      const left = await leftIn(grid)
      if (left === 0) return
      if (left < least) since = performance.now()
      least = Math.min(least, left)
      progress('storing', left)
      if (performance.now() - since > stuckMs)
        throw new Refused(
          `${left} records of ${space.name} cannot be stored${problems.length > 0 ? `: ${problems.at(-1)}` : ''}. npx spacegrid start says what is in the way`,
        )
      await sleep(lookMs)
    }
  } finally {
    await grid.stop()
  }
}

/** Records of all logs that are not in the store yet. */
async function leftIn({ ports }: EmbeddedGrid): Promise<number> {
  let left = 0
  for (const [logName, { log, store }] of ports) {
    const [{ last }, checkpoint] = [await log.bounds(), await store.checkpoint(logName)]
    left += last - (checkpoint?.position ?? 0)
  }
  return left
}
