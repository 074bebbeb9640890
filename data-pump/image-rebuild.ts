import type { LogName } from '@spacegrid/grid/core/log-name'
import { lastOfEachKey } from '@spacegrid/grid/engine/changes/window-batch'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Checkpoint, Store } from '@spacegrid/grid/engine/ports/store'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { ReplicaSnapshot } from '@spacegrid/grid/engine/replica/snapshot-source'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { PumpSettings } from './pump-options.ts'

/**
 * Builds a space's warm image anew from a live replica, which melds on meanwhile: entries are
 * written a piece at a time, and behind each piece the changes that happened while it was written,
 * so that the image is exact when its last piece is there.
 *
 * Until then it shows a negative position, which nobody takes for a checkpoint; each rebuilding has
 * its own, so that of two of them, by two pumps, the one that cleared the image last goes on and
 * the other's next step is refused. Returns the position, or undefined when `givenUp` said so.
 * @throws GridError `stale_writer` when somebody else builds, `overloaded` when the image is slower
 * than the log
 */
export async function rebuildImage(
  logName: LogName,
  {
    image,
    replica,
    random,
  }: { readonly image: Store; readonly replica: Replica; readonly random: Random },
  logIdentity: string,
  limits: Pick<PumpSettings, 'imageEntriesMax' | 'imageBatchBytesMax' | 'snapshotBytesMax'>,
  givenUp: () => boolean,
): Promise<number | undefined> {
  const building: Checkpoint = {
    position: -1 - (random.integer() % 2 ** 48),
    logIdentity,
    digest: '',
    entries: 0,
    replicated: new Uint8Array(0),
  }
  await image.clear(logName)
  await image.apply(logName, 0, building, [])
  const snapshot = new ReplicaSnapshot(replica, limits.snapshotBytesMax)
  try {
    while (!givenUp()) {
      const { changes, end } = snapshot.next(limits.imageEntriesMax, limits.imageBatchBytesMax)
      const { entryCount: entries } = replica.state
      const next = end && {
        position: end.header.position,
        logIdentity,
        digest: end.digest,
        entries,
        replicated: encodeHeader(end.header),
      }
      await image.apply(logName, building.position, next ?? building, lastOfEachKey(changes))
      if (next) return next.position
    }
    return undefined
  } finally {
    snapshot.close()
  }
}
