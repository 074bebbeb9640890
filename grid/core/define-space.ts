import { checkedSpaceAccess, type SpaceAccess } from './access.ts'
import { checkPartitioned } from './declared-partitions.ts'
import type { AnyCommand, AnyQuery, Space } from './definition.ts'
import { checkDescription, checkName } from './definition-checks.ts'
import type { SpaceCheck } from './definition-mistakes.ts'
import { outboxCache, outboxCaches } from './outbox.ts'
import { commandsSent, type Process } from './process.ts'
import type { AnyProjection } from './projection/projection.ts'
import { rowQueries } from './projection/row-queries.ts'
import type { RowQueriesOf } from './projection/row-query-types.ts'
import type { AnyCache, CacheNamed } from './transaction.ts'
import { checkedWaitingRoom, type WaitingRoomOptions } from './waiting-room.ts'

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
  /**
   * Who may follow its events, ask for its past and see to it, where callers are asked who they
   * are. Default: only those whom configuration names. docs/security.md.
   */
  readonly access?: SpaceAccess
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
    ...(options.access ? { access: checkedSpaceAccess(name, options.access) } : {}),
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
