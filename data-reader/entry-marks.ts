import type { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import type { EntryMark, Teller } from '@spacegrid/grid/engine/agreement/audit-message'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { StoredEntry } from '@spacegrid/grid/engine/ports/store'

const marksMax = 200
/** Pause behind each sample of a full audit: at most 10,000 entries a second. */
const samplePauseMs = 20

/** Tells stored entries to the replicas, at a pace at which they can compare them with theirs. */
export async function tellEntries(
  from: Teller,
  entries: readonly StoredEntry[],
  channel: AuditChannel,
  life: Life,
): Promise<void> {
  for (let at = 0; at < entries.length; at += marksMax) {
    const marks = entries
      .slice(at, at + marksMax)
      .map(
        ({ cache, key, position, version, value }): EntryMark => [
          cache,
          key,
          position,
          fingerprintOf(version, value),
        ],
      )
    channel.send({ kind: 'sample', from, marks })
    await life.sleep(samplePauseMs)
  }
}
