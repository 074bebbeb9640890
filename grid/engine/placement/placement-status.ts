/** What one process says of who keeps what of a space, as it sees it. */
export interface PlacementStatus {
  readonly partitions: number
  /** Of each partition that there should be. */
  readonly copies: number
  readonly members: readonly MemberStatus[]
  /** By partition: who commands go to; null: nobody keeps it ready. */
  readonly homes: readonly (string | null)[]
  /** Partitions that are on their way into the memory of somebody. */
  readonly moving: number
  /** Partitions of which fewer copies are ready than there should be. */
  readonly scarce: readonly number[]
  /** Copies that nobody has room for: the grid wants more units. */
  readonly missing: number
  /** Units that only answer queries, and share the partitions among themselves. Left out: none. */
  readonly queryUnits?: QueryPlacement
  /** Requests that this process has passed on, by how that went. */
  readonly passed?: Readonly<Record<PassOutcome, number>>
}

/** What query units keep, as the fields of the same names say it of those that take commands. */
export type QueryPlacement = Pick<
  PlacementStatus,
  'copies' | 'members' | 'moving' | 'scarce' | 'missing'
>

export interface MemberStatus {
  readonly name: string
  readonly zone: string | null
  readonly weight: number
  readonly full: boolean
  readonly stopping: boolean
  readonly ready: readonly number[]
  readonly joining: readonly number[]
  readonly leaving: readonly number[]
}

/**
 * It was answered, with an error as well; it found nobody there and went elsewhere; nobody knows
 * what has become of it.
 */
export type PassOutcome = 'answered' | 'elsewhere' | 'unknown'
