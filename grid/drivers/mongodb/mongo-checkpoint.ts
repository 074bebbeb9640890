import { Binary } from 'mongodb'
import { GridError, isGridError } from '../../core/errors.ts'
import { type LogName, spaceOf } from '../../core/log-name.ts'
import { fingerprintOf } from '../../engine/agreement/fingerprint.ts'
import type { Checkpoint } from '../../engine/ports/store.ts'
import { decodeHeader } from '../../engine/wire/snapshot-codec.ts'
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
  /** Of what `apply` was given; a version that did not know of it yet has left none. */
  readonly hash?: number
  /** The space has another number of partitions, or gets it just now. */
  readonly moved?: MovedMark
}

/** In the place of a checkpoint that is none, or none for the time being: docs/decisions/0037. */
export interface MovedMark {
  readonly to: number
  readonly isDone: boolean
  /** Where the checkpoint was, which is negative meanwhile: no writer's step begins there. */
  readonly position?: number
}

export const checkpointsName = 'grid.checkpoints'

export const checkpointHash = (
  logName: LogName,
  { position, logIdentity, digest, entries, replicated }: Checkpoint,
): number => fingerprintOf(position, [logName, logIdentity, digest, entries, replicated])

/** @throws GridError `record_damaged`: it is not what the grid has written */
export function toCheckpoint(document: CheckpointDocument): Checkpoint {
  const { position, logIdentity, digest, entries, replicated, quarantine, hash, moved } = document
  if (moved) throw movedFault(document._id, moved)
  const checkpoint = {
    ...{ position, logIdentity, digest, entries },
    replicated:
      replicated instanceof Binary ? new Uint8Array(replicated.value()) : new Uint8Array(),
  }
  if (hash !== undefined && hash !== checkpointHash(document._id, checkpoint))
    throw new GridError(
      'record_damaged',
      `MongoDB does not hold the checkpoint of ${document._id} as the grid has written it`,
    )
  return quarantine ? { ...checkpoint, quarantine: toSummary(quarantine) } : checkpoint
}

function movedFault(logName: LogName, { to, isDone }: MovedMark): GridError {
  const space = spaceOf(logName)
  const many = to === 1 ? 'one partition' : `${to} partitions`
  return new GridError(
    'configuration_invalid',
    isDone
      ? `${space} has ${many} now, and none is called ${logName}: SPACES=${to === 1 ? space : `${space}:${to}`}`
      : `${space} is being moved to ${many}: npx spacegrid repartition --partitions ${to} brings that to its end`,
  )
}

/** Of what can be used: not what a move has left, so that it is not taken for something new. */
export const isLive = { 'moved.isDone': { $ne: true } } as const

/** What of a checkpoint document a step of a writer sets. */
export function checkpointFields(logName: LogName, checkpoint: Checkpoint) {
  const { position, logIdentity, digest, entries, replicated } = checkpoint
  const hash = checkpointHash(logName, checkpoint)
  return { position, logIdentity, digest, entries, replicated: new Binary(replicated), hash }
}

/**
 * Whether a space at this checkpoint has such a cache; of a checkpoint that does not say so, any
 * name is taken.
 */
export function ownCaches({ replicated }: Checkpoint): (cache: string) => boolean {
  try {
    // A view of its own: unpacking leaves a mark on what it reads.
    const names = new Set(decodeHeader(replicated.subarray()).shape.caches.map(({ name }) => name))
    return (cache) => names.has(cache)
  } catch (error) {
    if (!isGridError(error)) throw error
    return () => true
  }
}
