import type { IndexRange } from '../../core/data-types.ts'
import type { Acknowledgement, Space } from '../../core/definition.ts'
import type { GridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { PositionToken } from '../../core/position.ts'
import type { AuditStatus } from '../../engine/agreement/audit-status.ts'
import type { Readiness } from '../../engine/life/readiness.ts'
import type { MemoryStatus } from '../../engine/memory/memory-watch.ts'
import type { PassOutcome, PlacementStatus } from '../../engine/placement/placement-status.ts'
import type { ClockStatus } from '../../engine/replica/clock-watch.ts'
import type { Caller } from './caller.ts'
import type { LiveServing, LiveStatus } from './live.ts'
import type { LoadStatus } from './load-status.ts'
import type { WaitingRoomStatus } from './waiting-room-status.ts'

export type { PositionToken }

export interface ExecuteOptions {
  /** At most once in effect per key; at most 255 characters. The first result is returned again. */
  readonly idempotencyKey?: string
  /**
   * Time that is left for it, ms, where that is less than a command may take anyway. What cannot be
   * begun in it is `overloaded`.
   */
  readonly withinMs?: number
  /** Overrides the command's own level. */
  readonly acknowledge?: Acknowledgement
  /** Who asks, as far as its door has found out. Left out: the process itself. */
  readonly caller?: Caller
}

/** `Position`: of a space with one partition a number. */
export interface CommandAnswer<Position extends PositionToken = PositionToken> {
  readonly result: unknown
  /**
   * Log position at which the command was committed (or, `accepted`, the replica's position when it
   * ran).
   */
  readonly position: Position
  /** The transaction's identity: the version of the entries it put. */
  readonly version: number
  /** Whether this is an earlier command's result, by its idempotency key. */
  readonly replayed: boolean
  readonly acknowledged: Acknowledgement
}

export interface ReadOptions {
  /**
   * Answer from this log position or a later one; waits a bounded time, then `position_timeout`.
   */
  readonly position?: PositionToken
  /**
   * Answer from a state that includes everything stored when the request came. Asked of every
   * partition: of each one's, which is not one moment of all of them.
   */
  readonly latest?: boolean
  /**
   * Answer from a state that is no older than this, ms; waits a bounded time for a newer one, then
   * `too_stale`. The answer says its age, whatever that is: to hear it without waiting for
   * anything, ask for `Infinity`.
   */
  readonly stalenessMs?: number
  /** Tell how the answer of a query was found. */
  readonly explain?: boolean
  /** Who asks, as far as its door has found out. Left out: the process itself. */
  readonly caller?: Caller
  /**
   * Set by the door where the answer is long and is written in slices: how long that has kept the
   * process busy, ms, once it is over. The next query that takes long begins then.
   */
  writing?: Promise<number>
}

/** What a query has read of one cache by one index, or of one projection, all times together. */
export interface ReadExplained {
  readonly kind: 'get' | 'range' | 'page' | 'count'
  readonly cache?: string
  readonly index?: string
  /** Of an index: the first that was read. */
  readonly range?: IndexRange
  readonly projection?: string
  readonly times: number
  /** Entries that were looked at. */
  readonly examined: number
  /** Entries that the handler was given. */
  readonly returned: number
}

/** How an answer was found, by the unit that has found it; of a divided space in one partition. */
export interface Explanation {
  readonly unit: string
  /** Of a divided space. */
  readonly partition?: number
  /** Log position of the state. */
  readonly position: number
  /** How old that was at most, ms. */
  readonly ageMs: number
  /** What the handler took, ms. */
  readonly tookMs: number
  readonly reads: readonly ReadExplained[]
}

export interface QueryAnswer<Position extends PositionToken = PositionToken> {
  readonly result: unknown
  readonly position: Position
  /**
   * How old the state was at most, ms: of an answer that is not fresh (older than a second), or for
   * which a staleness was asked. Of a caller in process, only then.
   */
  readonly ageMs?: number
  /** Where it was asked for: one of each partition that was asked. */
  readonly explanation?: readonly Explanation[]
}

/** One of several queries that are asked together. */
export interface BatchedQuery {
  readonly query: string
  /** Left out: `{}`. */
  readonly input?: unknown
}

/** Its answer, or why there is none. */
export type BatchedAnswer =
  | { readonly result: unknown; readonly explanation?: readonly Explanation[] }
  | { readonly error: GridError; readonly explanation?: undefined }

export interface BatchAnswer<Position extends PositionToken = PositionToken> {
  /** In the order of the queries. */
  readonly answers: readonly BatchedAnswer[]
  readonly position: Position
  /** As of a query's answer. */
  readonly ageMs?: number
}

export interface EntryAnswer<Position extends PositionToken = PositionToken> {
  readonly value: Readonly<Record<string, unknown>>
  readonly version: number
  /** Log position of the transaction that wrote the entry. */
  readonly writtenAt: Position
  /** Log position of the replica that answered. */
  readonly position: Position
  /** As of a query's answer. */
  readonly ageMs?: number
}

/** An entry as the store has it. */
export interface StoredEntryAnswer {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
  readonly version: number
  /** Log position of the transaction that wrote it, or took it out of memory. */
  readonly writtenAt: PositionToken
  /** It has left memory. */
  readonly archived: boolean
}

export interface StoredAnswer extends StoredEntryAnswer {
  /** Log position that the store had come to. */
  readonly position: PositionToken
}

/** What is asked of an index of entries that have left memory. */
export interface ArchiveAsked {
  readonly index: string
  readonly range: IndexRange
  /** Entries of one page, 1 to 1,000. Default 100. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface ArchivePage {
  readonly entries: readonly StoredEntryAnswer[]
  /** For the page behind this one; left out: there is none. */
  readonly next?: string
  /** Log position that the store had come to. */
  readonly position: PositionToken
}

/** What the store holds, asked of the data readers. */
export interface ArchiveReads {
  /** @throws GridError `unknown_cache`, `invalid_key`, `not_found`, `store_unavailable` */
  entry(cache: string, key: string): Promise<StoredAnswer>
  /**
   * Entries that have left memory, in the order of an index.
   * @throws GridError `unknown_cache`, `invalid_input`, `not_ready`, `store_unavailable`
   */
  range(cache: string, asked: ArchiveAsked): Promise<ArchivePage>
}

/** A moment of the past: a position that an answer has named, or a time. */
export type AsOf = PositionToken | Date

/** One change of an entry. */
export interface KeyChange<Position extends PositionToken = PositionToken> {
  readonly position: Position
  /** When the log stored it, ms since the epoch. */
  readonly time: number
  /** `archived`: it has left memory, the store keeps it. */
  readonly change: 'created' | 'changed' | 'deleted' | 'archived'
  /** The value before; left out: there was none, or it was not in memory. */
  readonly from?: Readonly<Record<string, unknown>>
  /** The value behind it; left out: there is none. */
  readonly to?: Readonly<Record<string, unknown>>
  /** The transaction's identity: the version of the entries it put. */
  readonly transaction: number
  /** The unit that has sent it. */
  readonly unit?: string
  /**
   * Its name. Left out: nobody's (`due`), written by an earlier version of the grid, or of one
   * across partitions that was prepared before what is kept.
   */
  readonly command?: string
  readonly idempotencyKey?: string
  /** It was due, and nobody's command. */
  readonly due?: true
}

export interface HistoryAsked {
  /** Changes of one page, 1 to 100. Default 20. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface HistoryPage<Position extends PositionToken = PositionToken> {
  /** The newest first. */
  readonly changes: readonly KeyChange<Position>[]
  /** For the page behind this one; left out: no more is known. */
  readonly next?: string
  /** What happened up to here is not known any more. */
  readonly since: { readonly position: Position; readonly time: number }
  /** Log position up to which it was looked at. */
  readonly position: Position
}

/** The space as it was. */
export interface PastReads {
  /**
   * @throws GridError as `Serving.query`; `position_out_of_reach`, `position_timeout`,
   * `overloaded`, `memory_full`
   */
  query(
    query: string,
    input: unknown,
    asOf: AsOf,
    options?: Pick<ReadOptions, 'explain'>,
  ): Promise<QueryAnswer>
  /** @throws GridError as `Serving.queries`, and as above */
  queries(
    batch: readonly BatchedQuery[],
    asOf: AsOf,
    options?: Pick<ReadOptions, 'explain'>,
  ): Promise<BatchAnswer>
  /** @throws GridError as `Serving.entry`, and as above */
  entry(cache: string, key: string, asOf: AsOf): Promise<EntryAnswer>
  /**
   * What has become of an entry, the newest first, whether it is there or not.
   * @throws GridError `unknown_cache`, `invalid_key`, `invalid_input` for another limit or cursor,
   * and as above
   */
  history(cache: string, key: string, asked?: HistoryAsked): Promise<HistoryPage>
}

/** What commands across partitions hold in this one. */
export interface HoldsStatus {
  readonly count: number
  /** How long the oldest has been held, ms of log time. */
  readonly oldestMs: number
  /** Commands of this unit that wait for one. */
  readonly waiting: number
}

/** One affinity key. */
export interface HotKeyStatus {
  /** The values of its fields. */
  readonly key: string
  /** Re-executions of its commands in this unit. */
  readonly collisionsPerSecond: number
  /** Commands that have come in here; counted only while it has a home. */
  readonly commandsPerSecond: number
  /** The unit that its commands go to; null: it has none, each unit does its own. */
  readonly home: string | null
}

/** Of a space with one partition and commands that declare an affinity. */
export interface AffinityStatus {
  /** Keys that have a home, whoever has found them to be hot. */
  readonly hotKeys: number
  /**
   * Those that collide most here, or whose commands come in here while they are hot; at most 16.
   */
  readonly keys: readonly HotKeyStatus[]
  /** Commands that this unit has passed on to a home, by how that went. */
  readonly passed: Readonly<Record<PassOutcome, number>>
}

/** Of a space that declares reactions or processes. */
export interface ReactionsStatus {
  /** What is still to be done. */
  readonly waiting: number
  /** Those of them that this unit is doing just now. */
  readonly working: number
  /** Dead letters: people have to look at them. */
  readonly dead: number
  /** Age of the oldest that is not dead, ms of log time. */
  readonly oldestMs: number
  /** Steps and compensations that this unit has done. */
  readonly done: number
  /** Attempts of this unit that have failed, or of which nothing could be said yet. */
  readonly retried: number
  /** Dead letters that this unit has made. */
  readonly died: number
}

export interface SpaceStatus {
  readonly position: number
  /** Positions between the newest one known and the replica's. */
  readonly lag: number
  readonly entries: number
  /** Estimated bytes of the entries' values. */
  readonly bytes: number
  readonly digest: string
  readonly digestPosition: number
  readonly pending: number
  readonly collisions: number
  readonly commandsPerSecond: number
  /** Records of the log that were no frame of any version, and were passed over. */
  readonly damagedRecords?: number
  /** Share of the room of its log that is taken, 0 to 1, where that has a limit. */
  readonly logFilled?: number | undefined
  /** Entries that the store refuses for what they are; told by a data writer. */
  readonly quarantined?: number
  /** How the machine's clock and the log's are. */
  readonly clock?: ClockStatus
  /** How it compares with the other replicas and the stored copies. */
  readonly audit?: AuditStatus
  /** In a partition of a divided space. */
  readonly holds?: HoldsStatus
  /** Where commands declare an affinity. */
  readonly affinity?: AffinityStatus
  /** Where reactions are declared. */
  readonly reactions?: ReactionsStatus
  /** What is told to others as it happens. */
  readonly live?: LiveStatus
  /** Of a unit that takes no commands: those that it has passed on, by how that went. */
  readonly passed?: Readonly<Record<PassOutcome, number>>
  /** What the process holds, and who is near its budget. */
  readonly memory?: MemoryStatus
  /** How it fares under the load that comes through its doors. */
  readonly load?: LoadStatus
  /** Of the space in which lines are kept, in a waiting room: how they stand. */
  readonly waitingRoom?: WaitingRoomStatus
}

/**
 * A processing unit as its doors (HTTP, NATS) see it. Every failure is a GridError; a business
 * rejection is a Rejection.
 */
export interface Serving {
  /** Unique among running units. */
  readonly name: string
  readonly space: Space
  /**
   * Runs a command.
   * @throws GridError `unknown_command`, `invalid_input` (details.errors: [{path, message}]),
   * `idempotency_key_reused`, `overloaded`, `contended`, `transaction_too_large`, `memory_full`,
   * `log_unavailable`, `log_full`, `outcome_unknown`, `not_ready`, `stopping`, `persist_timeout`,
   * `application_fault`
   */
  execute(command: string, input: unknown, options?: ExecuteOptions): Promise<CommandAnswer>
  /**
   * Called before anything of a command is read but who asks. Left out: whether it is taken is seen
   * when it runs.
   * @throws GridError `overloaded`
   */
  turnAway?(command: string, caller: Caller): void
  /**
   * @throws GridError `unknown_query`, `invalid_input`, `not_found`, `position_timeout`,
   * `too_stale`, `not_ready`, `overloaded`, `log_full`, `application_fault`
   */
  query(query: string, input: unknown, options?: ReadOptions): Promise<QueryAnswer>
  /**
   * Several queries at one position; of a divided space at one of each partition that any of them
   * reads. One that fails fails alone.
   * @throws GridError `invalid_input` for what is no list of 1 to 32 queries, and what keeps all of
   * them from being answered, as of `query`; `partitions_unavailable`
   */
  queries(batch: readonly BatchedQuery[], options?: ReadOptions): Promise<BatchAnswer>
  /**
   * @throws GridError `unknown_cache`, `not_found`, `position_timeout`, `too_stale`, `not_ready`,
   * `overloaded`, `log_full`
   */
  entry(cache: string, key: string, options?: ReadOptions): Promise<EntryAnswer>
  /** Left out: it reaches no data reader. */
  readonly archive?: ArchiveReads
  /** Left out: it cannot be asked for the past. */
  readonly past?: PastReads
  readonly position: PositionToken
  readiness(): Readiness
  status(): SpaceStatus
  /** Of a space with several partitions: those that are kept here, by the names of their logs. */
  readonly parts?: ReadonlyMap<LogName, { status(): SpaceStatus }>
  /** What happens, as it happens. */
  readonly live?: LiveServing
  /** Of a space with several partitions: who keeps what. */
  placement?(): PlacementStatus
}
