import type { AuditRole } from './audit-message.ts'

/** One that this replica compares itself with. */
export interface PeerStatus {
  readonly name: string
  readonly role: AuditRole
  /** Whether the last comparison found equal digests; undefined: none has been made yet. */
  readonly agrees: boolean | undefined
  /** Log position of the last comparison. */
  readonly position: number
}

/** How a replica compares with the others, at `/status`. */
export interface AuditStatus {
  /**
   * How many of those it hears of differ from it, other replicas and stored copies; 0: all agree.
   */
  readonly drift: number
  /** Newest log position at which it was compared; 0: never. */
  readonly position: number
  /** When that was, ms since the epoch. */
  readonly at: number
  /** Digests compared. */
  readonly comparisons: number
  /** Entries compared, values and all. */
  readonly entriesCompared: number
  /** Of these, those that differed under the same version. */
  readonly entriesDifferent: number
  /** Times it has left service because it was different. */
  readonly diverged: number
  readonly peers: readonly PeerStatus[]
}

/** Two replicas in one process: the worse of both. */
export const mergeAudits = (one: AuditStatus, other: AuditStatus): AuditStatus => ({
  drift: Math.max(one.drift, other.drift),
  position: Math.min(one.position, other.position),
  at: Math.min(one.at, other.at),
  comparisons: one.comparisons + other.comparisons,
  entriesCompared: one.entriesCompared + other.entriesCompared,
  entriesDifferent: one.entriesDifferent + other.entriesDifferent,
  diverged: one.diverged + other.diverged,
  peers: [...one.peers, ...other.peers],
})
