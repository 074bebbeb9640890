import { defaultTransactionLimits, type TransactionLimits } from '@spacegrid/grid/core/limits'

/** Settings of a processing unit; every one has a default that suits production. */
export interface UnitOptions {
  /**
   * false: it answers from what it melds, takes no commands and never writes to the log; whatever
   * else units write by themselves (expiry, reactions, the definition, the time) it leaves to
   * others. Default true.
   */
  readonly takesCommands: boolean
  /**
   * Frames published and not yet seen back. 1 gives the best tail, up to 4 the best rate. Default
   * 2.
   */
  readonly framesInFlightMax: number
  /**
   * Transactions in one frame: as many as a replica melds in a few milliseconds, for it does
   * nothing else meanwhile. Default 1,024.
   */
  readonly frameTransactionsMax: number
  /**
   * Bytes of one frame, and of one part of a larger transaction; never more than the log takes.
   * Default 768 KiB.
   */
  readonly frameBytesMax: number
  /**
   * Bytes of one transaction; beyond, its command fails with `transaction_too_large`. Default 64
   * MiB.
   */
  readonly transactionBytesMax: number
  /** Commands waiting for their outcome; beyond, `overloaded`. Default 16,384. */
  readonly pendingMax: number
  /**
   * How long commands that come through a door may wait before they are sent to the log, ms: when
   * all of them wait longer, fewer are taken, and the others fail with `overloaded`. Default 20; 0:
   * only the fixed bounds count. docs/overload.md.
   */
  readonly queueDelayMs: number
  /**
   * Bytes of transactions without an outcome; beyond, `overloaded`. One alone may have
   * `transactionBytesMax`. Default 128 MiB.
   */
  readonly pendingBytesMax: number
  /** Times a command is executed before it fails with `contended`. Default 64. */
  readonly attemptsMax: number
  /**
   * A command without an outcome by then fails with `outcome_unknown` (or `log_unavailable` if it
   * was never sent). Default 10,000.
   */
  readonly commandMsMax: number
  /** Longest wait of a query for a position, then `position_timeout`. Default 2,000. */
  readonly positionWaitMsMax: number
  /**
   * Longest wait for what the store holds of an entry that is not in memory, of a cache with an
   * `archive`; then `store_unavailable`. Default 5,000.
   */
  readonly archiveWaitMsMax: number
  /** Longest wait of a command acknowledged `persisted`, then `persist_timeout`. Default 30,000. */
  readonly persistWaitMsMax: number
  /** How long an idempotency key is remembered, by the log's time. Default 600,000 (10 minutes). */
  readonly idempotencyMs: number
  /**
   * Log disconnected for longer than this: new commands fail at once with `log_unavailable`.
   * Default 1,000.
   */
  readonly disconnectedMsMax: number
  /**
   * A frame undecided for longer than this: new commands fail at once with `log_unavailable` until
   * it is. Default 3,000.
   */
  readonly silentMsMax: number
  /**
   * How long what a reaction has done is remembered where it was done, as long as nobody says that
   * it is written down where it came from: longer than any outage. Default 604,800,000 (7 days).
   */
  readonly reactionKeyMs: number
  /** Entries of the outbox; beyond, commands that emit fail with `outbox_full`. Default 100,000. */
  readonly outboxMax: number
  /** Reactions that one unit does at the same time. Default 64. */
  readonly reactionsMax: number
  /** How often due entries are looked for. Default 200. 0: never (another unit does it). */
  readonly expirySweepMs: number
  /** Entries expired per sweep and cache. Default 512. */
  readonly expiryBatchMax: number
  /** Positions a frame may land late. Default 4,096; doubled after each miss, up to 2^20. */
  readonly deadlinePositions: number
  /** A published frame that has not come back is published again after this time. Default 500. */
  readonly republishMs: number
  /**
   * An idle unit sends an empty frame this often, to stay known and to tell the time: less than a
   * minute. Default 20,000.
   */
  readonly heartbeatMs: number
  /** A replica this many positions behind is not ready. Default 10,000. */
  readonly lagPositionsMax: number
  /** Open commands are waited for this long when the unit stops. Default 5,000. */
  readonly stopMsMax: number
  /**
   * Entries read for one piece of a snapshot for a unit that joins: fewer when that takes longer
   * than half a millisecond, or up to five in a unit that is busy. Default 1,000.
   */
  readonly snapshotEntriesMax: number
  /**
   * Bytes of changes that wait to be passed on while a snapshot is read; a reader slower than they
   * come begins anew. Default 256 MiB.
   */
  readonly snapshotBytesMax: number
  /**
   * Bytes with which one piece of a snapshot is full; a single entry may be larger. Default 4 MiB.
   */
  readonly snapshotPieceBytesMax: number
  /**
   * How often the digest and a sample of entries are told, for the others to compare with. Default
   * 1,000. 0: never, and nothing is compared.
   */
  readonly auditMs: number
  /** Entries of one sample. Default 200. 0: values are not compared, digests are. */
  readonly auditEntries: number
  /**
   * Re-executions a second of one affinity key in one unit from which on its commands go to one
   * unit. Default 10.
   */
  readonly hotPerSecond: number
  /**
   * Memory that the last that has happened may take, bytes, while somebody follows it; who comes
   * back to a stream of events for older ones hears that they are gone. Default 64 MiB.
   */
  readonly liveBytesMax: number
  readonly transaction: TransactionLimits
}

export const defaultUnitOptions: UnitOptions = {
  takesCommands: true,
  framesInFlightMax: 2,
  frameTransactionsMax: 1024,
  frameBytesMax: 768 * 1024,
  transactionBytesMax: 64 * 1024 * 1024,
  pendingMax: 16_384,
  queueDelayMs: 20,
  pendingBytesMax: 128 * 1024 * 1024,
  attemptsMax: 64,
  commandMsMax: 10_000,
  positionWaitMsMax: 2_000,
  archiveWaitMsMax: 5_000,
  persistWaitMsMax: 30_000,
  idempotencyMs: 600_000,
  reactionKeyMs: 604_800_000,
  outboxMax: 100_000,
  reactionsMax: 64,
  disconnectedMsMax: 1_000,
  silentMsMax: 3_000,
  expirySweepMs: 200,
  expiryBatchMax: 512,
  deadlinePositions: 4_096,
  republishMs: 500,
  heartbeatMs: 20_000,
  lagPositionsMax: 10_000,
  stopMsMax: 5_000,
  snapshotEntriesMax: 1_000,
  snapshotBytesMax: 256 * 1024 * 1024,
  snapshotPieceBytesMax: 4 * 1024 * 1024,
  auditMs: 1_000,
  auditEntries: 200,
  hotPerSecond: 10,
  liveBytesMax: 64 * 1024 * 1024,
  transaction: defaultTransactionLimits,
}
