import { StoreSnapshot } from '@spacegrid/data-reader/store-snapshot'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { readSnapshot } from '@spacegrid/grid/engine/replica/snapshot-service'
import type { SnapshotSource } from '@spacegrid/grid/engine/replica/snapshot-source'
import { decodeSnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { RecoveryPorts } from '../recover/recovery-grid.ts'
import { type HeardReplica, hearReplicas } from '../recover/replicas-heard.ts'

/** Somebody who has all of a space, and what it is at one position, in pieces. */
export interface BaseSource {
  /** For people. */
  readonly name: string
  /** It is there by now, or further on. */
  readonly position: number
  open(): Promise<SnapshotSource>
}

const patience = { openMs: 10_000, answerMs: 10_000 }

/**
 * Those that have a copy of what a log has led to: units and pumps, the one that is furthest on
 * first, and the store. Nothing of a copy is held in memory.
 */
export async function baseSources(
  logName: LogName,
  { identity, last }: LogBounds,
  { store, messaging, clock }: RecoveryPorts,
  changes: Log | undefined,
): Promise<BaseSource[]> {
  const isThere = ({ logIdentity, position }: HeardReplica) =>
    logIdentity === identity && position >= last
  const replicas = messaging ? await hearReplicas(logName, messaging, clock, isThere) : []
  const sources = replicas
    .filter((it) => it.logIdentity === identity)
    .map((replica) => ofReplica(logName, messaging as Messaging, clock, replica))
  const checkpoint = await store.checkpoint(logName)
  if (changes && checkpoint?.logIdentity === identity && checkpoint.position > 0)
    sources.push(ofStore(logName, store, changes, clock, checkpoint.position))
  return sources
}

const ofReplica = (
  logName: LogName,
  messaging: Messaging,
  clock: Clock,
  { id, role, name, position }: HeardReplica,
): BaseSource => ({
  name: `${role} ${name}`,
  position,
  open: async () => {
    const subject = subjects.snapshotForAudit(logName, id)
    const pieces = readSnapshot(messaging, clock, subject, patience)
    return {
      next: async () => {
        const { value } = await pieces.next()
        if (value) return decodeSnapshotChunk(value)
        throw new GridError('internal', 'The snapshot ended without its last piece')
      },
      close: () => void pieces.return(undefined),
    }
  },
})

const ofStore = (
  logName: LogName,
  store: Store,
  changes: Log,
  clock: Clock,
  position: number,
): BaseSource => ({
  name: 'the store',
  position,
  open: async () => {
    const scan = await store.scan(logName)
    if (!scan) throw new GridError('not_found', `The store holds nothing of ${logName}`)
    return new StoreSnapshot(logName, { store, changes, clock }, scan)
  },
})
