import { type TObject, type TSchema, Type } from 'typebox'
import { rememberDeclaration } from './application-fault.ts'
import { mergingOne } from './callback.ts'
import type { IndexFields, PartitionField, RequiredText, Static } from './data-types.ts'
import { type ArchiveOptions, takeArchive } from './declared-archive.ts'
import { type EvolutionOptions, takeEvolution } from './declared-evolution.ts'
import { checkConsists, checkPartitioned, takePartitionBy } from './declared-partitions.ts'
import type {
  Acknowledgement,
  AnyCommand,
  AnyQuery,
  Command,
  CommandPart,
  EveryPartition,
  Priority,
  Query,
  Reader,
  Scattered,
  Space,
} from './definition.ts'
import {
  checkDescription,
  checkedCaches,
  checkedReasons,
  checkFunction,
  checkName,
  checkSynchronous,
  takenObject,
  takenSchema,
} from './definition-checks.ts'
import type {
  CommandCheck,
  MarkOf,
  QueryCheck,
  ResultsOfParts,
  SpaceCheck,
  Told,
} from './definition-mistakes.ts'
import type { Mistake } from './mistake.ts'
import type { Resolved } from './operation-options.ts'
import { outboxCache, outboxCaches } from './outbox.ts'
import { runParts } from './parts.ts'
import { commandsSent, type Process } from './process.ts'
import type { AnyProjection } from './projection/projection.ts'
import { rowQueries } from './projection/row-queries.ts'
import type { RowQueriesOf } from './projection/row-query-types.ts'
import { typesOf } from './schema-check.ts'
import type {
  AnyCache,
  Cache,
  CacheNamed,
  CacheOptions,
  PartitionKey,
  Transaction,
  Unpartitionable,
} from './transaction.ts'
import { checkedWaitingRoom, type WaitingRoomOptions } from './waiting-room.ts'

/**
 * Declares a cache.
 * @throws TypeError when the name, the key, an index, the expiry, the archive, what is readable or
 * what is said of the past does not fit the schema, or the schema cannot be kept.
 */
export function defineCache<
  const Name extends string,
  S extends TObject,
  const Indexes extends FieldsOf<S> = Record<never, never>,
  V = Static<S>,
  Given extends keyof CacheOptions<S> = never,
>(
  name: Name,
  options: CacheOptions<S, Indexes, V> & { readonly [Option in Given]?: unknown },
): Cache<V, Indexes, Name, 'declared' | MarkOf[Given & keyof MarkOf]> {
  checkName('cache', name)
  const { key, expiry } = options as Fields
  const schema = takenObject(`cache ${name}: the schema`, options.schema)
  const fields = schema.properties
  const indexes: Record<string, readonly string[]> = { ...options.indexes }
  for (const [index, names] of Object.entries(indexes)) {
    checkName(`cache ${name}: index`, index)
    if (names.length === 0) throw new TypeError(`cache ${name}: index ${index} has no field`)
    for (const field of names)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: index ${index} names the unknown field ${field}`)
      else if (!canBe(fields[field], 'string', 'number', 'integer', 'boolean'))
        throw new TypeError(
          `cache ${name}: index ${index} names ${field}, which is never a text, number or boolean`,
        )
  }
  for (const field of [key, expiry])
    if (field !== undefined && !Object.hasOwn(fields, field))
      throw new TypeError(`cache ${name}: the schema has no field ${field}`)
  const { readable } = options
  if (typeof readable === 'object') {
    if (readable.length === 0) throw new TypeError(`cache ${name}: readable names no field`)
    for (const field of readable)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: readable names the unknown field ${field}`)
  }
  if (!schema.required?.includes(key) || !isOnly(fields[key], 'string'))
    throw new TypeError(`cache ${name}: the key ${key} must be a required text`)
  if (expiry !== undefined && !isOnly(fields[expiry], 'number', 'integer', 'null'))
    throw new TypeError(`cache ${name}: the expiry ${expiry} must be a number`)
  if (options.onExpire !== undefined) checkSynchronous(`cache ${name}: onExpire`, options.onExpire)
  if (options.upcast !== undefined) checkSynchronous(`cache ${name}: upcast`, options.upcast)
  return rememberDeclaration({
    name,
    schema,
    key,
    indexes: indexes as IndexFields as Indexes,
    expiry,
    onExpire: options.onExpire,
    archive: takeArchive(
      `cache ${name}`,
      schema,
      expiry,
      options.archive as ArchiveOptions | undefined,
    ),
    readable,
    evolution: takeEvolution(
      `cache ${name}`,
      schema,
      { key, expiry, indexes },
      options as EvolutionOptions,
    ),
    partitionBy: takePartitionBy(`cache ${name}`, schema, options.partitionBy as PartitionKey),
  })
}

type FieldsOf<S extends TObject> = Readonly<
  Record<string, readonly (keyof S['properties'] & string)[]>
>

/**
 * The fields as they are named: the types of the options hold the mistakes too, and those have no
 * values.
 */
interface Fields {
  readonly key: string
  readonly expiry?: string
}

const isOnly = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? ['anything'])].every((type) => types.includes(type))

const canBe = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? types)].some((type) => types.includes(type))

const acknowledgements: readonly unknown[] = ['accepted', 'committed', 'persisted']
const priorities: readonly unknown[] = ['finish', 'begin', 'browse']

/**
 * The caches that a handler works with, if it says so: the compiler then refuses others, and a
 * space that lacks one.
 */
interface Using<Uses extends string> {
  readonly caches?: readonly CacheNamed<Uses>[]
}

export interface CommandOptions<
  I extends TObject,
  Data,
  R extends TSchema = TSchema,
  Answer = unknown,
  Uses extends string = string,
  Input = Static<I>,
  Parts extends readonly CommandPart[] = readonly CommandPart[],
  Reasons extends string = string,
> extends Using<Uses> {
  readonly input: I
  readonly description?: string
  /**
   * Schema of the result, which is checked against it; objects have no other fields than it says.
   */
  readonly result?: R
  /** Default acknowledgement level, `committed` when not given. */
  readonly acknowledge?: Acknowledgement
  /**
   * How urgent it is when a unit has more to do than it can, `begin` when not given.
   * docs/overload.md.
   */
  readonly priority?: Priority
  /**
   * All reasons for which it may be refused, those of its operations (`otherwise`) among them: the
   * compiler and the unit then refuse others, and callers find them in the OpenAPI document.
   */
  readonly rejections?: readonly Reasons[]
  /** Synchronous. It may refuse (`tx.reject`), and runs again after a collision. */
  readonly handler?: (tx: Transaction<Uses, Reasons>, input: NoInfer<Input>) => Data
  /**
   * In a handler's place: commands of the same space that this one consists of, each with its
   * input, all or none. Of a space with several partitions each may be in another one; with one
   * they are one transaction. Pure.
   */
  readonly parts?: (input: NoInfer<Input>) => Parts
  /**
   * Makes the result of what the handler has returned, outcomes filled in; of the list of results
   * of its parts, if it consists of parts.
   */
  readonly answer?: (data: AnswerData<Data, Parts>) => Answer
  /** Of a space with several partitions: where in its input the partition is found. */
  readonly partitionBy?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
  /** No door takes it: it is only there to be a part of others. */
  readonly partOnly?: true
  /**
   * Of a space with one partition: commands with the same values here change the same entries, and
   * are best run by the same unit.
   */
  readonly affinity?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
}

/** What an `answer` is given: of parts, if the compiler has found any. */
export type AnswerData<
  Data,
  Parts extends readonly CommandPart[],
> = CommandPart extends Parts[number] ? Resolved<Data> : ResultsOfParts<Parts>

/**
 * Declares a command. What its callers are answered is typed by `result`; without it, by what
 * `answer` or the handler returns.
 * @throws TypeError when the name, a schema, a callback or the level cannot be kept
 */
export function defineCommand<
  const Name extends string,
  I extends TObject,
  const Data,
  Given extends keyof CommandOptions<I, Data>,
  R extends TSchema = TSchema,
  const Answer = unknown,
  // biome-ignore lint/suspicious/noExplicitAny: a handler that does not name its caches may use any
  Uses extends string = any,
  Input = Static<I>,
  Wanted = Static<R>,
  const Parts extends readonly CommandPart[] = readonly CommandPart[],
  // biome-ignore lint/suspicious/noExplicitAny: one that does not name its reasons may have any
  const Reasons extends string = any,
>(
  name: Name,
  options: CommandOptions<I, Data, R, Answer, Uses, Input, Parts, Reasons> &
    CommandCheck<Given, Data, Answer, Wanted, Parts> & { readonly [Option in Given]?: unknown },
): Command<
  Input,
  Data,
  TSchema extends R ? Told<'answer' extends Given ? Answer : AnswerData<Data, Parts>> : Wanted,
  Name,
  Uses,
  'declared' | MarkOf<Parts>[Given & keyof MarkOf]
> {
  checkName('command', name)
  const { description, result, acknowledge = 'committed', parts, answer } = options
  const { priority = 'begin' } = options
  checkDescription(`command ${name}`, description)
  if (parts === undefined) checkSynchronous(`command ${name}: handler`, options.handler)
  else checkConsists(`command ${name}`, options)
  if (answer !== undefined) checkFunction(`command ${name}: answer`, answer)
  if (!acknowledgements.includes(acknowledge))
    throw new TypeError(
      `command ${name}: acknowledge must be one of ${acknowledgements.join(', ')}`,
    )
  if (!priorities.includes(priority))
    throw new TypeError(`command ${name}: priority must be one of ${priorities.join(', ')}`)
  const keyOf = (what: 'partitionBy' | 'affinity') =>
    takePartitionBy(`command ${name}`, options.input, options[what] as PartitionKey, what)
  const command: Command<Input, Data, never, Name, Uses, never> = {
    name,
    description,
    input: takenObject(`command ${name}: the input`, options.input),
    result: result && takenSchema(`command ${name}: the result`, result),
    acknowledge,
    priority,
    rejections: checkedReasons(`command ${name}`, options.rejections),
    caches: checkedCaches(`command ${name}`, options.caches),
    handler: options.handler ?? (runParts(() => command) as (typeof command)['handler']),
    answer: answer as (typeof command)['answer'],
    partitionBy: keyOf('partitionBy'),
    parts,
    partOnly: options.partOnly,
    affinity: keyOf('affinity'),
  }
  return rememberDeclaration(command)
}

export interface QueryOptions<
  I extends TObject,
  Result,
  R extends TSchema = TSchema,
  Uses extends string = string,
  Input = Static<I>,
  Merged = unknown,
> extends Using<Uses> {
  readonly input: I
  readonly description?: string
  /**
   * Schema of the result, which is checked against it; objects have no other fields than it says.
   */
  readonly result?: R
  readonly handler: (read: Reader<Uses>, input: NoInfer<Input>) => Result
  /** Of a space with several partitions: where in its input the partition is found. */
  readonly partitionBy?: NoInfer<
    PartitionKey<PartitionField<Input>, RequiredText<Input>> | Mistake<Unpartitionable>
  >
  /**
   * Of a space with several partitions: it is asked of all of them, and `merge` makes one answer of
   * what the handler has returned in each. With one partition, of that one's. Each partition
   * answers from a state of its own, also when the latest is asked for: all that was answered
   * before is in it; of what goes on meanwhile one partition may have a part that another one does
   * not have yet.
   */
  readonly everyPartition?: EveryPartition<NoInfer<Input>, NoInfer<Result>, Merged>
}

/**
 * Declares a query. What its callers are answered is typed by `result`; without it, by what the
 * handler (or `merge`) returns.
 * @throws TypeError when the name, a schema, the handler or what says where it is asked cannot be
 * kept
 */
export function defineQuery<
  const Name extends string,
  I extends TObject,
  const Result,
  Given extends keyof QueryOptions<I, Result>,
  R extends TSchema = TSchema,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  Uses extends string = any,
  Input = Static<I>,
  Wanted = Static<R>,
  const Merged = unknown,
>(
  name: Name,
  options: QueryOptions<I, Result, R, Uses, Input, Merged> &
    QueryCheck<Given, Result, Merged, Wanted> & { readonly [Option in Given]?: unknown },
): Query<
  Input,
  TSchema extends R ? Told<'everyPartition' extends Given ? Merged : Result> : Wanted,
  Name,
  Uses,
  'declared' | MarkOf[Given & keyof MarkOf]
> {
  checkName('query', name)
  const { description, result, handler, everyPartition } = options
  checkDescription(`query ${name}`, description)
  checkFunction(`query ${name}: handler`, handler)
  if (everyPartition !== undefined) {
    checkFunction(`query ${name}: everyPartition.merge`, everyPartition.merge)
    if (options.partitionBy !== undefined)
      throw new TypeError(`query ${name} has partitionBy, and everyPartition: only one can be`)
  }
  return rememberDeclaration({
    name,
    description,
    input: takenObject(`query ${name}: the input`, options.input),
    result: result && takenSchema(`query ${name}: the result`, result),
    caches: checkedCaches(`query ${name}`, options.caches),
    handler: everyPartition ? mergingOne(handler, everyPartition.merge) : handler,
    partitionBy: takePartitionBy(
      `query ${name}`,
      options.input,
      options.partitionBy as PartitionKey,
    ),
    everyPartition: everyPartition && { each: handler, merge: everyPartition.merge as Merge },
  })
}

/** Whatever the handler returns in each partition. */
type Merge = Scattered<unknown>['merge']

/** Collections of these names hold the grid's own records beside the spaces' caches. */
const reservedSpaces = new Set(['grid', 'system'])

export interface SpaceOptions<
  CacheName extends string = string,
  Commands extends AnyCommand = AnyCommand,
  Queries extends AnyQuery = AnyQuery,
  Projections extends AnyProjection = AnyProjection,
  Caches extends AnyCache = AnyCache,
  Partitions extends number = number,
> {
  readonly description?: string
  readonly caches: readonly CacheNamed<CacheName>[] & readonly Caches[]
  readonly commands?: readonly Commands[]
  readonly queries?: readonly Queries[]
  readonly projections?: readonly Projections[]
  /** Reactions and processes that follow events of this space. */
  readonly reactions?: readonly Process[]
  /**
   * Logs among which the space is divided; each entry is in one of them. Part of the definition in
   * the log: it does not change by itself. Default 1.
   */
  readonly partitions?: Partitions
  /**
   * Domain events that callers from outside may follow: all of them, or by name all of an event's
   * payload or the fields that are named. Ids with which others could act do not belong there.
   * Default: all while developing and none in production.
   */
  readonly readableEvents?: boolean | Readonly<Record<string, true | readonly string[]>>
  /**
   * What of the space is behind a waiting room, where one is switched on for it (`WAITING_ROOM`).
   * Default: nothing.
   */
  readonly waitingRoom?: NoInfer<WaitingRoomOptions<Commands['name'], Queries['name']>>
}

/**
 * Declares a space. Its type knows its commands and queries by name, with what they take and give,
 * those of readable projections (`{name}.row`, `{name}.rows`) among them.
 * @throws TypeError when a name is taken twice, something works with a cache that is not of this
 * space, or, of a space with several partitions, something does not say in which one it is
 */
export function defineSpace<
  const Name extends string,
  CacheName extends string,
  Commands extends AnyCommand = never,
  Queries extends AnyQuery = never,
  Projections extends AnyProjection = never,
  Caches extends AnyCache = AnyCache,
  const Partitions extends number = 1,
>(
  name: Name,
  options: SpaceOptions<CacheName, Commands, Queries, Projections, Caches, Partitions> &
    SpaceCheck<CacheName, Commands, Queries, Projections, Caches, Partitions>,
): Space<Commands, Queries | RowQueriesOf<Projections>, CacheName, Name> {
  checkName('space', name)
  if (reservedSpaces.has(name)) throw new TypeError(`space name ${name} is reserved`)
  checkDescription(`space ${name}`, options.description)
  byName('cache', options.caches)
  byName('projection', options.projections ?? [])
  // Both are read under their names.
  byName('cache or projection', [...options.caches, ...(options.projections ?? [])])
  const commands = byName('command', options.commands ?? [])
  const queries = byName('query', options.queries ?? [])
  const checkInside = (what: string, used: readonly AnyCache[]) => {
    for (const cache of used)
      if (!options.caches.some((one) => one === cache))
        throw new TypeError(
          `${what} a cache outside space ${name}: add ${cache.name} to the space's caches`,
        )
  }
  for (const projection of options.projections ?? [])
    checkInside(`projection ${projection.name} follows`, projection.caches)
  for (const command of commands.values())
    checkInside(`command ${command.name} works with`, command.caches ?? [])
  for (const query of queries.values())
    checkInside(`query ${query.name} works with`, query.caches ?? [])
  const partitions: number = options.partitions ?? 1
  const all: Map<string, AnyQuery> = queries
  for (const query of rowQueries(options.projections ?? [], partitions)) all.set(query.name, query)
  const reactions = byName('reaction', options.reactions ?? [])
  const caches = withOutbox(name, options.caches, reactions, commands)
  const checked = { name, caches, commands, queries, partitions }
  checkPartitioned(checked)
  return {
    name,
    description: options.description,
    partitions,
    caches,
    commands,
    // What `rowQueries` makes is what their type says: the compiler cannot follow it there.
    queries: all as unknown as ReadonlyMap<string, Queries | RowQueriesOf<Projections>>,
    projections: options.projections ?? [],
    ...(reactions.size > 0 ? { reactions } : {}),
    readableEvents: options.readableEvents,
    ...(options.waitingRoom
      ? { waitingRoom: checkedWaitingRoom(name, options.waitingRoom, { commands, queries }) }
      : {}),
  }
}

/** A space with reactions keeps besides what they have still to do. */
function withOutbox<Caches extends readonly AnyCache[]>(
  space: string,
  caches: Caches,
  reactions: ReadonlyMap<string, Process>,
  commands: ReadonlyMap<string, AnyCommand>,
): Caches {
  if (reactions.size === 0) return caches
  if (caches.some(({ name }) => name === outboxCache.name))
    throw new TypeError(
      `space ${space} has reactions, and a cache ${outboxCache.name}: that name is the grid's own here`,
    )
  for (const { kind, name, command } of commandsSent(reactions.values()))
    if (command.space === undefined || command.space === space) {
      if (commands.get(command.command.name) !== (command.command as unknown))
        throw new TypeError(
          `${kind} ${name} sends a command outside space ${space}: add ${command.command.name} to its commands, or name the space that has it`,
        )
    }
  return [...caches, ...outboxCaches] as readonly AnyCache[] as Caches
}

function byName<T extends { readonly name: string }>(
  what: string,
  items: readonly T[],
): Map<string, T> {
  const map = new Map<string, T>()
  for (const item of items) {
    if (map.has(item.name)) throw new TypeError(`${what} ${item.name} is declared twice`)
    map.set(item.name, item)
  }
  return map
}

export { defineProjection, join } from './projection/define-projection.ts'
export { mergeRows } from './projection/merge-rows.ts'
export { rowKey } from './projection/row-key.ts'
export type { Static }
/** Re-exported so that an application needs one import to declare its data. */
export { Type }
