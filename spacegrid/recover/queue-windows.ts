import { findWindowAfter } from '@spacegrid/grid/engine/changes/change-queue'
import {
  mergeWindows,
  takeWindows,
  type WindowBatch,
} from '@spacegrid/grid/engine/changes/window-batch'
import { WindowFeed } from '@spacegrid/grid/engine/changes/window-feed'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { Findings } from './findings.ts'

/** Bytes of windows in one step of the store, as the data writer takes them. */
const batchBytesMax = 4 * 1024 * 1024
const quietMsMax = 3000

/**
 * Goes from the store's checkpoint along the windows of the change queue, as far as they follow
 * each other. Returns where that ends. `take` is given each batch of them; undefined: it is only
 * looked.
 */
export async function walkQueue(
  { checkpoint, newest }: Findings,
  place: LogPlace,
  clock: Clock,
  take?: (from: number, batch: WindowBatch) => Promise<void>,
): Promise<number> {
  const { position = 0, logIdentity = '' } = checkpoint ?? {}
  if (newest?.logIdentity !== logIdentity || newest.to <= position) return position
  const changes = await place.open()
  const wakeup = new Wakeup(clock)
  const turns = new Turns(clock)
  const after = await findWindowAfter(changes, position)
  const feed = new WindowFeed(changes, after, { wake: () => wakeup.wake() })
  const patience = new AbortController()
  try {
    feed.start()
    let reached = position
    let until = clock.monotonic() + quietMsMax
    while (reached < newest.to) {
      const { windows, gap } = takeWindows(feed, reached, logIdentity, batchBytesMax)
      const last = windows.at(-1)
      if (last) {
        await take?.(reached, await mergeWindows(windows, turns.pause))
        reached = last.to
        until = clock.monotonic() + quietMsMax
      } else if (gap !== undefined || feed.failure || clock.monotonic() > until) break
      else await wakeup.sleep(patience.signal, quietMsMax)
    }
    return reached
  } finally {
    await feed.stop()
    await changes.close()
  }
}
