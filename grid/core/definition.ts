import type { TObject, TSchema } from 'typebox'
import type { Access, CommandContext, QueryContext, SpaceAccess } from './access.ts'
import type { BoundOf, EqualsOf, IndexFields, IndexRange } from './data-types.ts'
import type { marked, names, Undeclared } from './marks.ts'
import type { Mistake } from './mistake.ts'
import type { Resolved } from './operation-options.ts'
import type { Page, PageOptions } from './page-types.ts'
import type { PartitionBy } from './partition.ts'
import type { Process } from './process.ts'
import type { AnyProjection, Projection } from './projection/projection.ts'
import type { Cache, CacheNamed, Transaction } from './transaction.ts'
import type { WaitingRoomOptions } from './waiting-room.ts'

// biome-ignore lint/suspicious/noExplicitAny: the only common supertype of commands of all inputs
export type AnyCommand = Command<any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyQuery = Query<any, any>

/**
 * What a query's handler reads from: one committed state. Rows of projections are read as entries
 * of caches are. `Names` as of a `Transaction`: of caches, and of those that a projection follows.
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export interface Reader<Names extends string = any> {
  readonly [names]?: (names: Names) => void
  /** ms since the epoch. */
  readonly now: number
  /** Log position of the state. */
  readonly position: number
  get<V, Name extends Names | (string & Mistake<Undeclared>)>(
    of: Cache<V, IndexFields, Name> | Projection<V, IndexFields, Name>,
    key: string,
  ): V | undefined
  range<
    V,
    Indexes extends IndexFields,
    Name extends Names | (string & Mistake<Undeclared>),
    Index extends keyof Indexes & string,
    const Equals extends EqualsOf<V, Indexes[Index]> = EqualsOf<V, Indexes[Index]> & readonly [],
  >(
    of: Cache<V, Indexes, Name> | Projection<V, Indexes, Name>,
    index: Index,
    range?: IndexRange<Equals, BoundOf<V, Indexes[Index], Equals>>,
  ): readonly V[]
  /**
   * A page of an index, in its order; entries that are equal in it by their keys. It begins where
   * the page before has ended, whatever has come and gone meanwhile, on any unit.
   * @throws GridError `invalid_input` for a cursor that fits not, or a limit that cannot be, and
   * `query_too_large`: answers to the query's caller
   */
  page<
    V,
    Indexes extends IndexFields,
    Name extends Names | (string & Mistake<Undeclared>),
    Index extends keyof Indexes & string,
    const Equals extends EqualsOf<V, Indexes[Index]> = EqualsOf<V, Indexes[Index]> & readonly [],
  >(
    of: Cache<V, Indexes, Name> | Projection<V, Indexes, Name>,
    index: Index,
    options?: PageOptions<NoInfer<V>, Equals, BoundOf<V, Indexes[Index], Equals>>,
  ): Page<V>
  /** Number of entries, or of rows. */
  count<Name extends Names | (string & Mistake<Undeclared>)>(
    // biome-ignore lint/suspicious/noExplicitAny: as above
    of: CacheNamed<Name> | Projection<any, IndexFields, Name>,
  ): number
  /** Answers the query with 404 `not_found`. */
  notFound(message: string): never
}

/**
 * How urgent a command is when a unit has more to do than it can: `finish` what its caller has
 * begun already, and others may be waiting for the end of; `begin` something; or only `browse`. The
 * least urgent are turned away first.
 */
export type Priority = 'finish' | 'begin' | 'browse'

export type Acknowledgement = 'accepted' | 'committed' | 'persisted'

/**
 * A command. Made by `defineCommand`. `Input` is what its schema says, `Data` what the handler
 * returns, `Result` what callers are answered; `Uses` are the names of the caches it says it works
 * with, `string` when it says nothing.
 */
export interface Command<
  Input = unknown,
  Data = unknown,
  Result = unknown,
  Name extends string = string,
  Uses extends string = string,
  Marks extends string = string,
> {
  readonly [marked]?: Marks | undefined
  readonly name: Name
  readonly description: string | undefined
  readonly input: TObject
  readonly result: TSchema | undefined
  readonly acknowledge: Acknowledgement
  readonly priority: Priority
  /** All reasons it may be refused for; undefined: it does not say. */
  readonly rejections?: readonly string[] | undefined
  readonly caches: readonly CacheNamed<Uses>[] | undefined
  /** Of a command that consists of parts: runs them one after the other. */
  readonly handler: (tx: Transaction, input: Input, context: CommandContext) => Data
  /**
   * Makes the caller's result of the handler's data, its operations' outcomes filled in. Pure.
   * Default: the data itself.
   */
  readonly answer: ((data: Resolved<Data>) => unknown) | undefined
  /** Where its partition is found in its input. Not of a command that consists of parts. */
  readonly partitionBy?: PartitionBy | undefined
  /**
   * It consists of others, one after the other, all or none; it has no work of its own.
   */
  readonly parts?: ((input: Input) => readonly CommandPart[]) | undefined
  /** No door takes it: it is only there to be a part of others. */
  readonly partOnly?: boolean | undefined
  /**
   * Of a space with one partition: commands with the same values here change the same entries, and
   * are best run by the same unit.
   */
  readonly affinity?: PartitionBy | undefined
  /** Who may call it, where callers are asked who they are. */
  readonly access?: Access | undefined
  readonly [answered]?: Result
}

/** One of the commands that a command consists of, with its input. */
export interface CommandPart {
  readonly command: AnyCommand
  readonly input: unknown
}

/** Nothing has it. To the compiler it says what callers are told. */
declare const answered: unique symbol

/** A query. Made by `defineQuery`. */
export interface Query<
  Input = unknown,
  Result = unknown,
  Name extends string = string,
  Uses extends string = string,
  Marks extends string = string,
> {
  readonly [marked]?: Marks | undefined
  readonly name: Name
  readonly description: string | undefined
  readonly input: TObject
  readonly result: TSchema | undefined
  readonly caches: readonly CacheNamed<Uses>[] | undefined
  /** Of one that all partitions are asked: its answer where there is only one. */
  readonly handler: (read: Reader, input: Input, context: QueryContext) => unknown
  /** Where its partition is found in its input. */
  readonly partitionBy?: PartitionBy | undefined
  /** It is asked of every partition, and one answer made of theirs. */
  readonly everyPartition?: Scattered<Input> | undefined
  /** It reads the rows of a projection for callers from outside. */
  readonly rowsOf?: { readonly projection: string; readonly kind: 'row' | 'rows' } | undefined
  /** Its answer depends on who asks. */
  readonly perCaller?: boolean | undefined
  /** Who may ask it, where callers are asked who they are. */
  readonly access?: Access | undefined
  readonly [answered]?: Result
}

/** How the answers of all partitions become one. */
export interface EveryPartition<Input = never, Result = never, Merged = unknown> {
  /**
   * Pure. Of a space with one partition it is asked for one answer made of that one's.
   * @param results one of each partition, in their order
   */
  readonly merge: (results: readonly Result[], input: Input) => Merged
}

/** A query that all partitions are asked. */
export interface Scattered<Input> {
  /** What it is asked in each. */
  readonly each: (read: Reader, input: Input, context: QueryContext) => unknown
  /** Makes one answer of what they give, in the order of the partitions. */
  readonly merge: (results: readonly unknown[], input: Input) => unknown
}

/**
 * A space: caches that change together, with its commands, queries and projections. Made by
 * `defineSpace`, which knows the types of all of them: `SpaceHarness` and clients take names,
 * inputs and results from there (`CommandsOf`, `QueriesOf`).
 */
export interface Space<
  Commands extends AnyCommand = AnyCommand,
  Queries extends AnyQuery = AnyQuery,
  CacheName extends string = string,
  Name extends string = string,
> {
  readonly name: Name
  readonly description: string | undefined
  readonly caches: readonly CacheNamed<CacheName>[]
  readonly commands: ReadonlyMap<string, Commands>
  readonly queries: ReadonlyMap<string, Queries>
  readonly projections: readonly AnyProjection[]
  /** Reactions and processes by name. Left out: none. */
  readonly reactions?: ReadonlyMap<string, Process> | undefined
  /** Left out: 1. */
  readonly partitions?: number | undefined
  /** Domain events that callers may follow. */
  readonly readableEvents?: boolean | Readonly<Record<string, true | readonly string[]>> | undefined
  /** What of it is behind a waiting room, where one is switched on. */
  readonly waitingRoom?: WaitingRoomOptions | undefined
  /** Who may do what belongs to it as a whole, where callers are asked who they are. */
  readonly access?: SpaceAccess | undefined
}
