import type { TObject, TSchema } from 'typebox'
import type {
  BoundOf,
  EqualsOf,
  IndexFields,
  IndexRange,
  ItemOf,
  ListField,
  NumberField,
  PartitionField,
  RequiredText,
  Scalar,
  Static,
  Value,
} from './data-types.ts'
import type { EventType } from './event-type.ts'
import type { Mistake } from './mistake.ts'
import type { Page, PageOptions } from './page-types.ts'
import type { PartitionBy } from './partition.ts'
import type { Process } from './process.ts'
import type { Aggregate } from './projection/aggregate.ts'

export type { FieldBounds, Page, PageInput, PageOptions, Where } from './page-types.ts'
export type { IndexRange, Scalar, Value }

/**
 * What happens to an entry when the log's time reaches its expiry field. Runs as a transaction of
 * its own, and is synchronous.
 */
export type ExpiryHandler<V> = (tx: Transaction, value: V) => void

export interface CacheOptions<
  S extends TObject,
  Indexes extends IndexFields = IndexFields,
  V = Static<S>,
> {
  readonly schema: S
  /** Field that holds the primary key: a string of 1 to 1,024 bytes. */
  readonly key: NoInfer<
    RequiredText<V> | Mistake<'the key must be a field that every entry has, and a text'>
  >
  /**
   * Index name → its fields, in order. Entries that lack one of the fields are not in that index.
   */
  readonly indexes?: Indexes
  /**
   * Field with the time (ms since the epoch) at which an entry expires; entries without it never
   * do.
   */
  readonly expiry?: NoInfer<
    NumberField<V> | Mistake<'the expiry must be a field that holds a number: ms since the epoch'>
  >
  /**
   * Called when an entry expires. Default: the entry is deleted. A handler must delete it or move
   * its expiry.
   */
  readonly onExpire?: ExpiryHandler<NoInfer<V>>
  /**
   * When an entry leaves memory, while the store keeps it. A command that gets its key is given it
   * all the same; ranges, operations on ranges, queries and projections work with what is in
   * memory. docs/archive.md. Not of a cache with an expiry.
   */
  readonly archive?: NoInfer<ArchiveWhen<V>>
  /**
   * What callers from outside may read of an entry, by its key: all of it, or the fields named
   * here. Ids with which others could act do not belong there. Default: nothing, once any cache of
   * the space says something; before, all of it while developing and nothing in production.
   */
  readonly readable?: boolean | readonly (keyof S['properties'] & string)[]
  /**
   * Former name of a field → the present one; of several former names the oldest first. Where it is
   * stored the field keeps its first name, so that versions before and behind the renaming work
   * side by side; indexes and operations are renamed alike.
   */
  readonly renamed?: Readonly<Record<string, keyof S['properties'] & string>>
  /**
   * What a field is in entries that were written before it was declared. Not of the key, the expiry
   * or a field of an index.
   */
  readonly defaults?: Partial<NoInfer<V>>
  /**
   * Makes a value that fits the schema of one that does not, its fields renamed already; pure.
   * Called when it is read: what is stored stays as it is until somebody writes it. What it makes
   * is checked: of what is stored the compiler knows nothing.
   */
  readonly upcast?: (stored: Value) => Value
  /**
   * Of a space with several partitions: what decides in which one an entry is. A field that every
   * entry has (a text, a whole number, a boolean), several, or `{ idOf: field }` where the field
   * holds an id made by `tx.newId()`.
   */
  readonly partitionBy?: NoInfer<
    PartitionKey<PartitionField<V>, RequiredText<V>> | Mistake<Unpartitionable>
  >
}

/**
 * As it is declared: a field, several, one that holds an id made by `tx.newId()`, or what in a text
 * stands before a separator: of `concert/A-1` until `/` that is `concert`.
 */
export type PartitionKey<Field extends string = string, TextField extends string = Field> =
  | Field
  | readonly Field[]
  | { readonly idOf: TextField }
  | { readonly prefixOf: TextField; readonly until: string }

/** What the compiler says of other fields than those. */
export type Unpartitionable =
  'what decides on a partition is always there, and a text, a whole number or a boolean; an id is a text'

/**
 * Nothing has it. To the compiler it says what has been declared: `partitioned`, `everyPartition`,
 * `partOnly`, `parts` and `part …` for each of them; `string` where that is not known.
 */
declare const marked: unique symbol

/** What the compiler knows to have been declared of it. */
export type MarksOf<Of> = Of extends { readonly [marked]?: infer Marks }
  ? NonNullable<Marks>
  : never

/**
 * An entry leaves memory when the log's time is `ms` milliseconds behind the time (ms since the
 * epoch) in its field `after`, if each field of `when` has one of the values given there. Entries
 * that lack one of the fields stay.
 */
export interface ArchiveWhen<V> {
  readonly after:
    | NumberField<V>
    | Mistake<'after must be a field that holds a number: ms since the epoch'>
  readonly ms: number
  readonly when?: { readonly [Field in keyof V]?: V[Field] | readonly V[Field][] }
}

/** The same, as it is kept. */
export interface Archive {
  readonly after: string
  readonly ms: number
  readonly when: Readonly<Record<string, readonly Scalar[]>>
}

/** How what is stored becomes what a version of the application reads. */
export interface Evolution {
  /** Present name → the one under which the field is stored. */
  readonly stored: ReadonlyMap<string, string>
  /** Former name → the present one. */
  readonly renamed: ReadonlyMap<string, string>
  readonly defaults: Value
  readonly upcast: ((stored: Value) => unknown) | undefined
}

/** A cache: a named, typed map of entries. Made by `defineCache`. */
export interface Cache<
  V = Value,
  Indexes extends IndexFields = IndexFields,
  Name extends string = string,
  Marks extends string = string,
> {
  readonly [marked]?: Marks | undefined
  readonly name: Name
  readonly schema: TObject
  readonly key: string
  readonly indexes: Indexes
  readonly expiry: string | undefined
  readonly onExpire: ExpiryHandler<V> | undefined
  readonly archive?: Archive | undefined
  readonly readable?: boolean | readonly string[] | undefined
  /** undefined: it reads what is stored as it is. */
  readonly evolution?: Evolution | undefined
  readonly partitionBy?: PartitionBy | undefined
}

// The types of application caches, commands … differ in their parameters; lists of them need one
// common type.
// biome-ignore lint/suspicious/noExplicitAny: variance of handlers makes any the only common supertype
export type AnyCache = Cache<any>
/** A cache of which only the name matters. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type CacheNamed<Name extends string> = Cache<any, IndexFields, Name>
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyCommand = Command<any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyQuery = Query<any, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyProjection = Projection<any>

/** The result of an operation, known for certain only when it is melded. */
export interface Outcome<T> {
  /**
   * The outcome as this unit foresees it. Reading it inside a handler turns it into a validated
   * read: the transaction then applies only if the prediction holds.
   */
  readonly predicted: T
}

/**
 * What a handler's data becomes once its operations are melded: every `Outcome<T>` at its top level
 * is replaced by its `T`.
 */
export type Resolved<D> = D extends object
  ? D extends Outcome<infer T>
    ? T
    : { [K in keyof D]: D[K] extends Outcome<infer T> ? T : D[K] }
  : D

export interface IncrementOptions<V, Reasons extends string = string> {
  /** The operation is refused when the field would fall below. */
  readonly min?: number
  /** The operation is refused when the field would rise above. */
  readonly max?: number
  /** The entry to start from when there is none; without it the operation is refused. */
  readonly initial?: V
  /** The rejection's reason when the operation is refused. Default `out_of_bounds`. */
  readonly otherwise?: Reasons
}

export interface AppendOptions<V, Reasons extends string = string> {
  /** The operation is refused when the list would grow longer. */
  readonly max?: number
  readonly initial?: V
  /** Default `list_full`. */
  readonly otherwise?: Reasons
}

export type Patch<V> = { readonly [Field in keyof V]?: V[Field] | undefined }

export interface TakeOptions<Reasons extends string = string> {
  /** Take fewer than `limit` entries, down to this many. Default: `limit`. */
  readonly atLeast?: number
  /** Default `not_enough`. */
  readonly otherwise?: Reasons
}

/** What the compiler shows for a cache that is not among those a handler says it works with. */
type Undeclared = 'this cache is not among the `caches` that the handler declares'

/**
 * Nothing has it. To the compiler it says that whoever works with more caches may be handed to who
 * works with fewer.
 */
declare const names: unique symbol

/**
 * What a command's handler works with. Reads are validated: the transaction applies only if
 * everything it read is unchanged when it is melded. Handlers are synchronous, change nothing but
 * through `tx`, and take time, identifiers and randomness from it. They may run several times.
 * Arguments that cannot be are faults of the application (`application_fault`), and leave nothing
 * behind.
 *
 * `Names` of the caches it may be used with: `Transaction<'seats' | 'holds'>`. Without them it
 * takes any. `Reasons` for which it may refuse, likewise.
 */
// biome-ignore lint/suspicious/noExplicitAny: any is what fits every list of names, in both directions
export interface Transaction<Names extends string = any, Reasons extends string = any> {
  readonly [names]?: (names: Names) => void
  /** ms since the epoch. */
  readonly now: number
  /** A new identifier, 22 characters of [0-9A-Za-z]. */
  newId(): string
  get<V, Name extends Names | (string & Mistake<Undeclared>)>(
    cache: Cache<V, IndexFields, Name>,
    key: string,
  ): V | undefined
  /** Reads without validation: the transaction applies even if the entry changes. */
  peek<V, Name extends Names | (string & Mistake<Undeclared>)>(
    cache: Cache<V, IndexFields, Name>,
    key: string,
  ): V | undefined
  /**
   * Entries of an index range, in its order. The range's whole content is validated (no phantoms).
   */
  range<
    V,
    Indexes extends IndexFields,
    Name extends Names | (string & Mistake<Undeclared>),
    Index extends keyof Indexes & string,
    const Equals extends EqualsOf<V, Indexes[Index]> = EqualsOf<V, Indexes[Index]> & readonly [],
  >(
    cache: Cache<V, Indexes, Name>,
    index: Index,
    range?: IndexRange<Equals, BoundOf<V, Indexes[Index], Equals>>,
  ): readonly V[]
  /**
   * Creates or replaces the entry with the value's key. A value that does not fit the cache's
   * schema is a fault of the application.
   */
  put<V, Name extends Names | (string & Mistake<Undeclared>)>(
    cache: Cache<V, IndexFields, Name>,
    value: NoInfer<V>,
  ): void
  delete<Name extends Names | (string & Mistake<Undeclared>)>(
    cache: CacheNamed<Name>,
    key: string,
  ): void
  /**
   * Operation: adds to a number field, within the bounds of its schema and of exact whole numbers.
   * Never collides. Outcome: the field's new value.
   */
  increment<V, Name extends Names | (string & Mistake<Undeclared>)>(
    cache: Cache<V, IndexFields, Name>,
    key: string,
    field: NumberField<V>,
    by: number,
    options?: IncrementOptions<NoInfer<V>, Reasons>,
  ): Outcome<number>
  /**
   * Operation: appends to a list field items that fit it, up to its `maxItems`. Never collides.
   * Outcome: the list's new length.
   */
  append<V, Name extends Names | (string & Mistake<Undeclared>), Field extends ListField<V>>(
    cache: Cache<V, IndexFields, Name>,
    key: string,
    field: Field,
    items: readonly ItemOf<NoInfer<V>, Field>[],
    options?: AppendOptions<NoInfer<V>, Reasons>,
  ): Outcome<number>
  /**
   * Operation: claims the first `limit` entries of a range and patches them (a field set to
   * undefined is removed). Never collides. Outcome: the patched entries.
   */
  take<
    V,
    Indexes extends IndexFields,
    Name extends Names | (string & Mistake<Undeclared>),
    Index extends keyof Indexes & string,
    const Equals extends EqualsOf<V, Indexes[Index]> = EqualsOf<V, Indexes[Index]> & readonly [],
  >(
    cache: Cache<V, Indexes, Name>,
    index: Index,
    range: IndexRange<Equals, BoundOf<V, Indexes[Index], Equals>> & { readonly limit: number },
    patch: Patch<NoInfer<V>>,
    options?: TakeOptions<Reasons>,
  ): Outcome<readonly V[]>
  /**
   * A domain event: kept in full, delivered after the commit. Named by its definition, its payload
   * is checked; reactions and processes that follow it are written down in the same transaction.
   */
  emit<Payload>(event: EventType<Payload>, payload: NoInfer<Payload>): void
  emit(name: string, payload: Value): void
  /** Refuses the command: nothing changes. */
  reject(reason: Reasons, details?: Value): never
}

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
  readonly handler: (tx: Transaction, input: Input) => Data
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
  readonly handler: (read: Reader, input: Input) => unknown
  /** Where its partition is found in its input. */
  readonly partitionBy?: PartitionBy | undefined
  /** It is asked of every partition, and one answer made of theirs. */
  readonly everyPartition?: Scattered<Input> | undefined
  /** It reads the rows of a projection for callers from outside. */
  readonly rowsOf?: { readonly projection: string; readonly kind: 'row' | 'rows' } | undefined
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
  readonly each: (read: Reader, input: Input) => unknown
  /** Makes one answer of what they give, in the order of the partitions. */
  readonly merge: (results: readonly unknown[], input: Input) => unknown
}

/** Nothing has them. To the compiler they say what a projection's rows are, and what it follows. */
declare const made: unique symbol
declare const followed: unique symbol
declare const told: unique symbol

/** Pairs of entries of two caches that belong together. Made by `join`. */
export interface Join<Item = unknown, Uses extends string = string> {
  readonly [made]?: Item
  readonly [followed]?: Uses
  readonly plan: JoinPlan
}

export interface JoinPlan {
  readonly left: AnyCache
  readonly right: AnyCache
  /** Field of the left one's entries. */
  readonly on: string
  /** Field of the right one's entries that has the same value. */
  readonly to: string
  /** An entry on the left that belongs to none makes an item too. */
  readonly outer: boolean
  readonly select: (left: Value, right: Value | undefined) => unknown
}

/** Says what of a projection's rows callers may read, as it is declared. */
export interface Told<Readable> {
  readonly [told]?: Readable
}

/** What a projection is made of: entries of a cache or of several, or a join of two. */
export type ProjectionSource = AnyCache | readonly AnyCache[] | Join

/**
 * A read model: rows that are made of the entries of caches and kept up with them, on each replica
 * for itself; read by key and by index as the entries of a cache are. Made by `defineProjection`.
 */
export interface Projection<
  Row = Value,
  Indexes extends IndexFields = IndexFields,
  Uses extends string = string,
  Name extends string = string,
> {
  readonly [made]?: Row
  readonly [followed]?: Uses
  readonly [told]?: unknown
  readonly name: Name
  readonly description: string | undefined
  readonly version: number
  readonly source: ProjectionSource
  /** Those that it follows. */
  readonly caches: readonly AnyCache[]
  readonly where: ((entry: Value) => unknown) | undefined
  readonly select: ((entry: Value) => unknown) | undefined
  readonly groupBy: readonly string[]
  /** undefined: a row for each item. */
  readonly aggregates: Readonly<Record<string, Aggregate>> | undefined
  readonly indexes: Indexes
  /** Schema of its rows, as far as it is known. */
  readonly row: TObject
  readonly readable: boolean | readonly string[] | undefined
  readonly partitionBy: PartitionBy | undefined
  /** Its rows are of this version always. */
  readonly evolution?: undefined
  readonly rowsMax: number
  readonly bytesMax: number
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
}
