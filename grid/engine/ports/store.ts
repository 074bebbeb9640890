import type { IndexRange, Scalar } from '../../core/data-types.ts'
import type { LogName } from '../../core/log-name.ts'

/** An entry as it leaves memory. `value` is plain data; `Uint8Array` fields are allowed. */
export interface StoredEntry {
  readonly cache: string
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
  /** Identity of the transaction that wrote it: an integer below 2^53. */
  readonly version: number
  /** Log position of that transaction. */
  readonly position: number
  /** It has left memory. */
  readonly archived?: true
}

/** What one transaction left of one key: its new value, or `undefined` when it was deleted. */
export interface StoredChange {
  readonly cache: string
  readonly key: string
  readonly value: Readonly<Record<string, unknown>> | undefined
  readonly version: number
  readonly position: number
  /**
   * It has left memory, with this value: a store keeps it, aside from what it has in common with
   * the replicas; to a copy of what is in memory it is a deletion. Without a value: it is removed
   * unless the store has it among those that have left.
   */
  readonly archived?: true
}

/** Whether it is to be removed unless it has left memory: it takes the place of no other change. */
export const isRemovedIfInMemory = ({ archived, value }: StoredChange): boolean =>
  archived === true && value === undefined

/** Entries of an index that have left memory, in the index's order. */
export interface ArchiveRange {
  readonly cache: string
  /** The index's, as they are stored. */
  readonly fields: readonly string[]
  readonly range: IndexRange
  /** Behind this entry, in the direction of the range: the values of the fields, and its key. */
  readonly beyond?: { readonly values: readonly Scalar[]; readonly key: string } | undefined
  readonly limit: number
}

/** What a store keeps of entries that have left memory. `get` gives them too, one by one. */
export interface StoreArchive {
  /** @throws GridError `record_damaged`, `store_unavailable` */
  range(logName: LogName, asked: ArchiveRange): Promise<StoredEntry[]>
  /**
   * All of them, in pieces and any order, for a backup. What leaves or comes back meanwhile may be
   * there or not; everything else is there once.
   * @throws GridError `record_damaged`, `store_unavailable`
   */
  all(logName: LogName): AsyncIterable<StoredEntry[]>
}

/** Says what a store holds: the space at exactly `position` of the log `logIdentity`. */
export interface Checkpoint {
  readonly position: number
  readonly logIdentity: string
  /** Digest of the entries at `position`, 16 hex digits. */
  readonly digest: string
  /** Number of entries at `position`. */
  readonly entries: number
  /**
   * The replicated state beside the entries (origins, definition, log time), encoded by the core.
   * At most a few 100 KB.
   */
  readonly replicated: Uint8Array
  /** Told by a store that keeps entries in quarantine, now; nobody gives it to `apply`. */
  readonly quarantine?: QuarantineSummary
}

export interface QuarantineSummary {
  readonly count: number
  /** Changes whenever an entry comes into quarantine or leaves it. */
  readonly revision: string
  /** Some of the entries, the oldest first: `cache/key`. */
  readonly names: readonly string[]
}

export interface EntryKey {
  readonly cache: string
  readonly key: string
}

/** An entry that the store refuses for what it is. Its value is the one that `get` gives. */
export interface QuarantinedEntry extends EntryKey {
  /** The store's own code for what is wrong, where it has one. */
  readonly code: number | undefined
  /** What is wrong, in the store's own words. */
  readonly reason: string
  /** Log position of the first version that was refused. */
  readonly firstPosition: number
  /** Log position and version of the newest one, which is what the space held at the checkpoint. */
  readonly position: number
  readonly version: number
  /** Versions refused, of those that reached the store: several changes of one window are one. */
  readonly versions: number
  /** Size of the newest value, packed. */
  readonly bytes: number
  /** When the first version was refused, ms since the epoch. */
  readonly since: number
}

export interface Replayed {
  readonly released: readonly EntryKey[]
  readonly refused: readonly QuarantinedEntry[]
}

/**
 * Entries that a store refuses for what they are (too large, against a rule of the database), while
 * everything else is stored. They belong to the checkpoint like all others: `get` and `scan` give
 * them. Each later version is tried; one that is taken, or a deletion, ends an entry's quarantine.
 * docs/decisions/0008.
 */
export interface Quarantine {
  /** The oldest first. */
  list(logName: LogName): Promise<readonly QuarantinedEntry[]>
  /**
   * Tries to store the entries again, in one atomic step that leaves the checkpoint's position
   * where it is. Safe beside a writer. `keys`: only these; those that are not in quarantine are
   * passed over.
   */
  replay(logName: LogName, keys?: readonly EntryKey[]): Promise<Replayed>
}

export interface ScanOptions {
  /**
   * Told of what is stored and is not what the grid has written; the scan goes on without it.
   * Default: the scan fails with `record_damaged`.
   */
  readonly damaged?: (entry: EntryKey) => void
  /**
   * Enough of each cache for who only wants a sample: a store that can gives no more of it, those
   * that were stored first. Default: everything.
   */
  readonly sampleEntries?: number
}

/** What somebody else than the grid has done to a space's stored data. */
export type ForeignChange =
  | ({ readonly what: 'entry' } & EntryKey)
  /** A whole cache is gone, or another one has its name. */
  | { readonly what: 'cache'; readonly cache: string }
  | { readonly what: 'checkpoint' }
  /** Something may have happened that was not seen: also when it begins to look. */
  | { readonly what: 'unknown' }

export interface StoreWatch {
  stop(): Promise<void>
}

/** Entries of one cache as a piece of a snapshot holds them (`snapshot-codec.ts`). */
export interface PackedEntries {
  readonly cache: string
  readonly entries: number
  /** Of the list that a piece is, one after the other in `parts`. */
  readonly items: number
  readonly parts: readonly Uint8Array[]
}

/** One pass over all entries of a space. */
export interface StoreScan {
  /** The checkpoint when the scan began. */
  readonly start: Checkpoint
  /**
   * Entries in chunks, any order, each key at most once (repeats are allowed where the store cannot
   * avoid them).
   */
  chunks(): AsyncIterable<StoredEntry[]>
  /**
   * The same entries, checked in the same way, for whoever only passes them on: of a store that has
   * them in nearly that form.
   */
  readonly packedChunks?: (() => AsyncIterable<StoredEntry[] | PackedEntries>) | undefined
  /**
   * The checkpoint when the scan had ended. The same position as `start`: the scan is exact. A
   * later one: every entry was read at some position in between, and the changes of (start, end]
   * must be applied over it.
   */
  end(): Promise<Checkpoint>
  close(): Promise<void>
}

/**
 * A durable copy of spaces, moved from one log position to a later one atomically: MongoDB, the
 * warm image, the embedded store.
 */
export interface Store {
  /**
   * undefined: nothing has been stored for this space. `record_damaged`: it is not what the grid
   * has written.
   */
  checkpoint(logName: LogName): Promise<Checkpoint | undefined>
  /**
   * Applies `changes` (in order; at most one per key) and `next` in one atomic step, if the stored
   * checkpoint is at position `from` (0 or absent: no checkpoint yet). Otherwise nothing changes
   * and a GridError `stale_writer` is thrown. What the store refuses for what it is goes into
   * quarantine; with too much in there: `quarantine_full`, and nothing changes. A store that cannot
   * be reached: `store_unavailable`, or `image_unavailable` for the warm image (outcome unknown;
   * call `checkpoint` to find out). No call waits for ever.
   */
  apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void>
  /**
   * Of what is in memory. undefined when there is no checkpoint. `record_damaged`: what is stored
   * is not what the grid has written.
   */
  scan(logName: LogName, options?: ScanOptions): Promise<StoreScan | undefined>
  /** `record_damaged`: what is stored is not what the grid has written. */
  get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined>
  /** Forgets everything about a space. */
  clear(logName: LogName): Promise<void>
  /**
   * Only of a store that others can write to: puts a checkpoint back, as it is known to have been,
   * where there is none, or a damaged one. What is stored beside it stays, and may be of another
   * position: windows that are applied again, and the audit, make that good. Otherwise nothing
   * changes and a GridError `stale_writer` is thrown.
   */
  readonly restore?: ((logName: LogName, known: Checkpoint) => Promise<void>) | undefined
  /**
   * Only of a store that others can write to: tells of every change that is not the grid's own,
   * until it is stopped.
   */
  readonly watch?:
    | ((logName: LogName, changed: (change: ForeignChange) => void) => StoreWatch)
    | undefined
  /** Only of a store that may refuse an entry for what it is. */
  readonly quarantine?: Quarantine | undefined
  /** Only of a store that keeps what has left memory: a copy of what is in memory does not. */
  readonly archive?: StoreArchive | undefined
  close(): Promise<void>
}

/** A store that can be written anew, whatever it holds, while others may be at work on it. */
export interface RebuildableStore extends Store {
  /**
   * Throws away whatever is held of a space. From the first moment on the checkpoint is `building`,
   * which has a negative position that nobody else uses: no other writer's step begins there, and
   * nobody reads what is being built. What has left memory stays: nobody else has it. `apply` goes
   * on from it, and ends at a real checkpoint. After
   * a crash the space is being built still, and has to be begun anew.
   */
  beginAnew(logName: LogName, building: Checkpoint): Promise<void>
}
