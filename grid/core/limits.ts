/** What one transaction may contain; beyond, its command fails with `transaction_too_large`. */
export interface TransactionLimits {
  /** Entries written by puts, deletes and takes. Default 250,000. */
  readonly writesMax: number
  /** Validated reads, entries of ranges included. Default 250,000. */
  readonly readsMax: number
  /** Entries one `take` may claim. Default 10,000. */
  readonly takeMax: number
  /**
   * Characters of the texts of one value that is taken: an entry, what an operation brings, an
   * event, a command's data. Default 64 Mi.
   */
  readonly charactersMax?: number
}

export const defaultTransactionLimits: TransactionLimits = {
  writesMax: 250_000,
  readsMax: 250_000,
  takeMax: 10_000,
  charactersMax: 64 * 1024 * 1024,
}

/** Entries of one page of a query at most, and where it does not say how many. */
export const pageEntriesMax = 10_000
export const pageEntriesDefault = 100

/** Changes in one page of an entry's history at most, and where it is not said how many. */
export const historyChangesMax = 100
export const historyChangesDefault = 20

/**
 * Entries that the pages of one query may look at to find those that fit `where` and `filter`, in
 * each partition; beyond, it is refused with `query_too_large`.
 */
export const examinedEntriesMax = 100_000

/** Longest primary key, bytes of UTF-8: within what every store takes as a key. */
export const keyBytesMax = 1024

/**
 * Entries of one cache, the same on every replica; beyond, a transaction that creates one is
 * refused with `cache_full`. The engine's maps end at 16,777,216.
 */
export const cacheEntriesMax = 16_000_000

/**
 * Held writes of one cache at most: they find room when they are finished even if the cache has
 * filled up meanwhile, within what the engine's maps can take.
 */
export const heldWritesMax = 700_000

/** Of one partition, at a time: commands across partitions that are under way. */
export const holdsMax = 100_000

/**
 * Weight of what one part of a command across partitions may hold: as a document of MongoDB it is
 * then below the 16 MiB that one has.
 */
export const holdWeightMax = 12 * 1024 * 1024

/**
 * Of one space's definition, the grid's own included. Far more than anybody declares; each costs
 * every replica a little for each entry.
 */
export const cachesMax = 10_000
/** Of one cache. */
export const indexesMax = 1000

/** Two clocks that differ by more than this contradict each other: neither is believed alone. */
export const clockJumpMsMax = 5_000
/**
 * Units tell the time by the log more often than this: a sender's time that is further ahead of it
 * rests on one clock alone.
 */
export const clockSilentMsMax = 60_000
