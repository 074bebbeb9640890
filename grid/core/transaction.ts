import type { TObject } from 'typebox'
import type { Access, CallerIdentity } from './access.ts'
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
import type { marked, names, Undeclared } from './marks.ts'
import type { Mistake } from './mistake.ts'
import type {
  AppendOptions,
  IncrementOptions,
  Outcome,
  Patch,
  TakeOptions,
} from './operation-options.ts'
import type { PartitionBy } from './partition.ts'

// A cache says what becomes of an expired entry in a transaction, and a transaction works with
// caches: the two are one piece.

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
   * Who may read what is readable of its entries, where callers are asked who they are: one by one,
   * as they change, from the store. `public`, `identified` or roles. Default: only those whom
   * configuration names. docs/security.md.
   */
  readonly access?: Access
  /**
   * Which of its entries are for whoever asks (undefined: nobody has said who it is), where callers
   * are asked: of others they hear nothing when they read them one by one, from the store or the
   * past, or follow how they change. Pure; given the whole entry. Queries decide for themselves
   * (`perCaller`, `context.sees`). docs/security.md.
   */
  readonly visible?: (entry: NoInfer<V>, caller: CallerIdentity | undefined) => boolean
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
  readonly access?: Access | undefined
  readonly visible?: ((entry: V, caller: CallerIdentity | undefined) => boolean) | undefined
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
