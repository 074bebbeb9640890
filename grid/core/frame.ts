import type { SpaceShape } from './shape.ts'
import type { TransactionRecord } from './steps.ts'

/**
 * Numbers of the kinds are part of the format: a version that adds one has to give frames another
 * format.
 */
export const FrameKind = { join: 0, transactions: 1, part: 2, leave: 3, shape: 4, skip: 5 } as const

interface Timed {
  /**
   * The log's time as the sender had it, ms since the epoch: what the time of the record is held
   * against.
   */
  readonly at?: number
}

/**
 * A processing unit asks to be an origin; the position of this frame becomes the origin's number.
 */
export interface JoinFrame extends Timed {
  readonly kind: typeof FrameKind.join
  readonly unit: string
  readonly nonce: number
}

/** Adds to the space's definition, for every replica at this position. */
export interface ShapeFrame extends Timed {
  readonly kind: typeof FrameKind.shape
  readonly shape: SpaceShape
}

/**
 * An operator lets those that have stopped at a record of another version pass over it. Means
 * nothing to whoever can read that record. docs/decisions/0015.
 */
export interface SkipFrame extends Timed {
  readonly kind: typeof FrameKind.skip
  /** Of the record that is passed over, before this one. */
  readonly position: number
}

/** What ties a frame to those of its origin before it. architecture.md, invariant 3. */
export interface ChainLink extends Timed {
  readonly origin: number
  /** Counts every frame the origin made, given up ones included: never used twice. */
  readonly id: number
  /** Id of the frame that must have been accepted last, 0 for the first. */
  readonly previous: number
  /** Last position at which this frame may land. */
  readonly deadline: number
}

/**
 * A batch of transactions. An empty one is a barrier: it has a position, and lets deadlines pass.
 */
export interface TransactionsFrame extends ChainLink {
  readonly kind: typeof FrameKind.transactions
  readonly transactions: readonly TransactionRecord[]
  /**
   * Number of part frames, sent just before, whose bytes are the transactions (then `transactions`
   * is empty). 0: none.
   */
  readonly parts: number
  /** Some of them, those in parts included, are of commands across partitions. */
  readonly across?: boolean
}

/**
 * A piece of a batch that is larger than one record of the log; kept as an entry until its last
 * piece is there.
 */
export interface PartFrame extends ChainLink {
  readonly kind: typeof FrameKind.part
  readonly bytes: Uint8Array
}

/** The origin says goodbye: none of its frames is accepted from here on. */
export interface LeaveFrame extends ChainLink {
  readonly kind: typeof FrameKind.leave
}

export type ChainedFrame = TransactionsFrame | PartFrame | LeaveFrame
export type Frame = JoinFrame | ShapeFrame | SkipFrame | ChainedFrame
