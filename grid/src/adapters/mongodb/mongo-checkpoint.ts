import type { Binary } from 'mongodb'
import type { Checkpoint } from '../../ports/store.ts'
import { type QuarantineMark, toSummary } from './mongo-quarantine.ts'

export interface CheckpointDocument {
  readonly _id: string
  readonly position: number
  readonly logIdentity: string
  readonly digest: string
  readonly entries: number
  readonly replicated: Binary
  /**
   * Caches that have ever had an entry. A scan finds them here, for a list of collections is not
   * part of its snapshot.
   */
  readonly caches: readonly string[]
  readonly quarantine?: QuarantineMark
}

export const checkpointsName = 'grid.checkpoints'

export function toCheckpoint(document: CheckpointDocument): Checkpoint {
  const { position, logIdentity, digest, entries, replicated, quarantine } = document
  return {
    ...{ position, logIdentity, digest, entries },
    replicated: new Uint8Array(replicated.value()),
    ...(quarantine ? { quarantine: toSummary(quarantine) } : {}),
  }
}
