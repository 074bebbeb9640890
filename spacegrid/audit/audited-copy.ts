import { StoreSnapshot } from '@spacegrid/data-reader/store-snapshot'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AuditRole } from '@spacegrid/grid/engine/agreement/audit-message'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { readSnapshot } from '@spacegrid/grid/engine/replica/snapshot-service'
import {
  decodeSnapshotChunk,
  restoreSnapshotChunk,
  type SnapshotChunk,
} from '@spacegrid/grid/engine/wire/snapshot-codec'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** All of a space as one of its holders has it, exact at the state's position. */
export interface AuditedCopy {
  readonly state: SpaceState
  /** The digest that its holder keeps; it should be the state's. */
  readonly digest: string
}

/** Somebody who holds a copy of the space. */
export interface CopyHolder {
  readonly name: string
  readonly role: AuditRole
  /**
   * Reads all of it, at a position not before `notBefore`. Told how many entries have been read.
   * @throws GridError what cannot be reached; any other error: what cannot be decoded
   */
  read(notBefore: number, progress: (entries: number) => void): Promise<AuditedCopy>
}

export interface CopyOptions {
  readonly logName: LogName
  /** How long a holder that is behind, or busy, is waited for. */
  readonly waitMs: number
}

const patience = { openMs: 10_000, answerMs: 10_000 }
const retryMs = 250

/** A unit's or pump's replica, read while it goes on. */
export function replicaHolder(
  messaging: Messaging,
  clock: Clock,
  { id, name, role }: { readonly id: number; readonly name: string; readonly role: AuditRole },
  { logName, waitMs }: CopyOptions,
): CopyHolder {
  const subject = subjects.snapshotForAudit(logName, id)
  async function* chunks(): AsyncGenerator<SnapshotChunk> {
    for await (const data of readSnapshot(messaging, clock, subject, patience))
      yield decodeSnapshotChunk(data)
  }
  return { name, role, read: (...wanted) => patiently(clock, waitMs, chunks, ...wanted) }
}

/** MongoDB, the embedded store, or the warm image, read while it is written. */
export function storeHolder(
  name: string,
  role: 'store' | 'image',
  ports: { readonly store: Store; readonly changes: Log; readonly clock: Clock },
  { logName, waitMs }: CopyOptions,
): CopyHolder {
  async function* chunks(): AsyncGenerator<SnapshotChunk> {
    // What is damaged is not there: then it is named among what differs.
    const scan = await ports.store.scan(logName, { damaged: () => undefined })
    if (!scan) throw new GridError('not_found', `holds nothing of ${logName}`)
    if (scan.start.position <= 0) throw new GridError('not_ready', 'is being built')
    const snapshot = new StoreSnapshot(logName, ports, scan)
    try {
      for (;;) {
        const chunk = await snapshot.next()
        yield chunk
        if (chunk.end) return
      }
    } finally {
      snapshot.close()
    }
  }
  const position = async () => (await ports.store.checkpoint(logName))?.position ?? 0
  return {
    name,
    role,
    read: async (notBefore, progress) => {
      const until = ports.clock.monotonic() + waitMs
      while ((await position()) < notBefore && ports.clock.monotonic() < until)
        await sleep(ports.clock, retryMs)
      return await patiently(ports.clock, waitMs, chunks, notBefore, progress)
    },
  }
}

/** Whoever is rehydrating, giving snapshots already or behind may be done soon. */
async function patiently(
  clock: Clock,
  waitMs: number,
  chunks: () => AsyncGenerator<SnapshotChunk>,
  notBefore: number,
  progress: (entries: number) => void,
): Promise<AuditedCopy> {
  const until = clock.monotonic() + waitMs
  for (;;) {
    try {
      const copy = await assemble(chunks(), progress)
      if (copy.state.position >= notBefore) return copy
      throw new GridError(
        'not_ready',
        `is at position ${copy.state.position}, behind the others at ${notBefore}`,
      )
    } catch (error) {
      if (!isGridError(error) || clock.monotonic() >= until) throw error
    }
    await sleep(clock, retryMs)
  }
}

async function assemble(
  chunks: AsyncGenerator<SnapshotChunk>,
  progress: (entries: number) => void,
): Promise<AuditedCopy> {
  const state = new SpaceState()
  for await (const chunk of chunks) {
    restoreSnapshotChunk(state, chunk)
    progress(state.entryCount)
    if (chunk.end) return { state, digest: chunk.end.digest }
  }
  throw new GridError('internal', 'The snapshot ended without its last piece')
}
