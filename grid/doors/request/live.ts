import type { AskedBy } from '../../core/access.ts'
import type { IndexRange, Value } from '../../core/data-types.ts'
import type { GridError } from '../../core/errors.ts'
import type { PositionToken } from '../../core/position.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { ResumePoint } from '../../core/resume-point.ts'

/** Which entries of a cache are followed: all of them, one, or those of an index range. */
export interface EntryFilter {
  readonly cache: string
  /** What is told of them; a change of nothing else is not told. */
  readonly fields: ReadableFields
  /** On whose behalf, of a cache with a rule; left out: nobody is asked who they are. */
  readonly by?: AskedBy
  readonly key?: string | undefined
  readonly index?: string | undefined
  /** Without a limit. */
  readonly range?: IndexRange | undefined
}

/** What somebody wants to hear of. */
export interface FollowFilter {
  /** Names of domain events; undefined: all of them. */
  readonly events?: readonly string[] | undefined
  readonly entries?: EntryFilter | undefined
}

interface Happened {
  /** 0 in a space with one partition. */
  readonly partition: number
  /** Right behind it. */
  readonly point: ResumePoint
  /** Identity of the transaction; of an entry the version that it left. */
  readonly version: number
}

/** A domain event. */
export interface EventHappening extends Happened {
  readonly kind: 'event'
  readonly name: string
  readonly payload: Value
}

export type EntryChange = 'entered' | 'changed' | 'left'

/** A change of an entry, as a filter sees it: what leaves an index range need not be gone. */
export interface EntryHappening extends Happened {
  readonly kind: 'entry'
  readonly change: EntryChange
  readonly key: string
  /** Of one that has left: undefined. */
  readonly value: Value | undefined
}

export type Happening = EventHappening | EntryHappening

/** Why what comes next does not follow what came before. */
export type ResetReason =
  /** What lies between is not held any more. */
  | 'gone'
  /** The log does not reach so far: it is another one. */
  | 'unknown'

export interface FollowedBatch {
  /** In order, all of one partition. */
  readonly happenings: readonly Happening[]
  /** By partition: before all that it tells. */
  readonly from: readonly ResumePoint[]
  /** By partition: behind all that the batch tells, or leaves out. */
  readonly points: readonly ResumePoint[]
  /** It tells nothing, for what lies between the points is not known. */
  readonly reset: ResetReason | undefined
}

/** Somebody who follows a space, through as many faults of the world as there are. */
export interface Following {
  /** Who are told what it gives. */
  readers: number
  /**
   * What has happened since the last batch; at the first call with nothing to resume from, where
   * things stand. Waits a bounded time, and may then have nothing to tell.
   * @throws GridError `not_ready`, `stopping`, `partitions_unavailable`: call it again, or follow
   * another unit from the same points
   */
  next(): Promise<FollowedBatch>
  close(): void
}

export interface WatchOptions {
  /** Tag of the answer that is known: it is waited for another one. */
  readonly known?: string | undefined
  /** The answer is of this position or a later one. */
  readonly position?: PositionToken | undefined
  /** Longest wait for another answer than is known, ms. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

/** The answer of a live query, or why it has none; neither: it is the one that is known. */
export interface Watched {
  /** Tells answers apart, on every unit alike. */
  readonly tag: string
  /** Of the state that answered, or says the same. */
  readonly position: PositionToken
  readonly json?: string | undefined
  /** What the query is answered with in its place, until something changes. */
  readonly failure?: GridError | undefined
}

/** What of a unit those work with who tell others what happens, as it happens. */
export interface LiveServing {
  /**
   * @param after token of the points to go on from, of an earlier batch; or a position that an
   * answer has named: from where things stand in partitions of which it says nothing. undefined:
   * from where things stand
   * @throws GridError `invalid_header`: it is no such token
   */
  follow(filter: FollowFilter, after?: string): Following
  /**
   * The answer of a query as soon as it is another one than is known, kept up to date meanwhile.
   * @throws GridError `unknown_query`, `invalid_input`, `position_timeout`, `not_ready`,
   * `overloaded`, `stopping`, `partitions_unavailable`
   */
  watch(query: string, input: unknown, options: WatchOptions): Promise<Watched>
  status(): LiveStatus
}

/** What is told to others as it happens. */
export interface LiveStatus {
  /** Whether what happens is remembered, for those who come back. */
  readonly remembers: boolean
  /** Memory that it takes, bytes, roughly. */
  readonly bytes: number
  /** Streams of different events, or places, that are followed. */
  readonly followed: number
  /** Queries that are kept up to date. */
  readonly queries: number
  /** Times that one of them was worked out. */
  readonly evaluations: number
  /** Connections that follow one of them here. */
  readonly readers: number
}
