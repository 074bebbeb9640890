import { mergeAudits } from '../../engine/agreement/audit-status.ts'
import type { ScalingStatus } from '../../engine/load/scaling-status.ts'
import type { PlacementStatus } from '../../engine/placement/placement-status.ts'
import type { ClockStatus } from '../../engine/replica/clock-watch.ts'
import type { LiveStatus } from '../request/live.ts'
import type { LoadStatus, QueriesLoad } from '../request/load-status.ts'
import type { AffinityStatus, ReactionsStatus, Serving, SpaceStatus } from '../request/serving.ts'

/** What a component knows of one space; a unit knows all of it, a pump or a writer its part. */
export interface SpaceFigures extends Partial<SpaceStatus> {
  /** What it is doing, in one word. */
  readonly state?: string
  /** Of a data pump: the log position up to which everything has been published. */
  readonly published?: number
  /** Of a data pump: domain events that it has published for other services. */
  readonly eventsPublished?: number
  /** Of a data pump: where the warm image is; 0: not known. */
  readonly imagePosition?: number
}

/**
 * Anything that runs and can be asked how it is: a processing unit, the data pump, the data writer
 * …
 */
export interface StatusSource {
  /** Unique among running processes. */
  readonly unit: string
  /** Which component this is, such as `processing-unit` or `data-pump`. */
  readonly role: string
  /** Why it should get no work now, one sentence each; empty: it is ready. */
  notReady(): readonly string[]
  /** By name of the space; of a divided one, by the names of the logs that are kept here. */
  spaces(): Readonly<Record<string, SpaceFigures>>
  /** Who keeps what of divided spaces, by name of the space. Left out: there are none here. */
  placement?: (() => Readonly<Record<string, PlacementStatus>>) | undefined
  /** What the deployment manager does. Left out: this is another component. */
  scaling?: () => ScalingStatus
}

/** What `/status` shows of a component. */
export interface StatusTold {
  readonly unit: string
  readonly role: string
  readonly ready: boolean
  readonly spaces: Readonly<Record<string, SpaceFigures>>
  readonly placement?: Readonly<Record<string, PlacementStatus>>
  /** Of a deployment manager: what it works with, and what it has decided. */
  readonly scaling?: ScalingStatus
}

export const statusIn = (source: StatusSource): StatusTold => ({
  unit: source.unit,
  role: source.role,
  ready: source.notReady().length === 0,
  spaces: source.spaces(),
  ...(source.placement ? { placement: source.placement() } : {}),
  ...(source.scaling ? { scaling: source.scaling() } : {}),
})

/** What a process that works would have people know all the same, one sentence each. */
export const wishesOf = ({ placement }: StatusSource): string[] =>
  Object.entries(placement?.() ?? {}).flatMap(([space, { queryUnits, ...taking }]) => [
    ...wishesFor(space, 'processing units', taking),
    ...(queryUnits ? wishesFor(space, 'query units', queryUnits) : []),
  ])

function wishesFor(
  space: string,
  units: string,
  { missing, members }: Pick<PlacementStatus, 'missing' | 'members'>,
): string[] {
  const full = members.filter(({ full: isFull }) => isFull).length
  if (missing === 0 && full === 0) return []
  const why =
    missing > 0
      ? `${missing} copies of its partitions have no room`
      : `${full} of ${members.length} units are near their memory budget`
  return [`space ${space} wants more ${units}: ${why}`]
}

/**
 * The status of the processing units in this process: one, or several of several spaces (embedded).
 */
export function statusOfUnits(name: string, role: string, units: readonly Serving[]): StatusSource {
  return {
    unit: name,
    role,
    notReady: () =>
      units.flatMap((unit) => {
        const { ready, reason } = unit.readiness()
        if (ready) return []
        return [`${unit.name} (space ${unit.space.name}): ${reason ?? 'not ready'}`]
      }),
    spaces: () => {
      const all = units.flatMap((unit) => [...(unit.parts ?? new Map([[unit.space.name, unit]]))])
      const byLog = Map.groupBy(all, ([logName]) => logName)
      const merged = [...byLog].map(([logName, members]) => [
        logName,
        members.map(([, unit]) => unit.status()).reduce(together),
      ])
      return Object.fromEntries(merged)
    },
    ...(units.some((unit) => unit.placement) ? { placement: () => placementsOf(units) } : {}),
  }
}

/** As the first unit of each space sees it. */
const placementsOf = (units: readonly Serving[]): Readonly<Record<string, PlacementStatus>> =>
  Object.fromEntries(
    units.toReversed().flatMap((unit) => {
      const placement = unit.placement?.()
      return placement ? [[unit.space.name, placement] as const] : []
    }),
  )

/**
 * Two replicas of a space as one: the state of the one that is behind, the work of both. Each
 * counts the collisions of its own commands.
 */
function together(one: SpaceStatus, other: SpaceStatus): SpaceStatus {
  return {
    ...(one.position <= other.position ? one : other),
    lag: Math.max(one.lag, other.lag),
    pending: one.pending + other.pending,
    collisions: one.collisions + other.collisions,
    commandsPerSecond: one.commandsPerSecond + other.commandsPerSecond,
    damagedRecords: Math.max(one.damagedRecords ?? 0, other.damagedRecords ?? 0),
    ...(one.clock && other.clock ? { clock: mergeClocks(one.clock, other.clock) } : {}),
    ...(one.audit && other.audit ? { audit: mergeAudits(one.audit, other.audit) } : {}),
    ...(one.load && other.load ? { load: mergeLoads(one.load, other.load) } : {}),
    ...(one.live && other.live ? { live: mergeLive(one.live, other.live) } : {}),
    ...(one.affinity && other.affinity
      ? { affinity: mergeAffinities(one.affinity, other.affinity) }
      : {}),
    ...(one.reactions && other.reactions
      ? { reactions: mergeReactions(one.reactions, other.reactions) }
      : {}),
  }
}

/** What is to be done is the same for both; what each does adds up. */
const mergeReactions = (one: ReactionsStatus, other: ReactionsStatus): ReactionsStatus => ({
  waiting: Math.max(one.waiting, other.waiting),
  dead: Math.max(one.dead, other.dead),
  oldestMs: Math.max(one.oldestMs, other.oldestMs),
  working: one.working + other.working,
  done: one.done + other.done,
  retried: one.retried + other.retried,
  died: one.died + other.died,
})

/** The longer time of each. */
const mergeQueries = (one: QueriesLoad, other: QueriesLoad): QueriesLoad => ({
  waiting: one.waiting + other.waiting,
  shed: one.shed + other.shed,
  costly: [...Map.groupBy([...one.costly, ...other.costly], ({ query }) => query).entries()].map(
    ([query, same]) => ({ query, ms: Math.max(...same.map(({ ms }) => ms)) }),
  ),
})

/** What both may take, the longer wait, and what each has turned away. */
const mergeLoads = (one: LoadStatus, other: LoadStatus): LoadStatus => ({
  limit: one.limit + other.limit,
  queueingDelayMs: Math.max(one.queueingDelayMs, other.queueingDelayMs),
  shed: [
    ...Map.groupBy(
      [...one.shed, ...other.shed],
      ({ reason, priority }) => `${reason} ${priority}`,
    ).values(),
  ].map((same) => ({
    ...(same[0] as LoadStatus['shed'][number]),
    count: same.reduce((sum, { count }) => sum + count, 0),
  })),
  queries: mergeQueries(one.queries, other.queries),
})

const mergeLive = (one: LiveStatus, other: LiveStatus): LiveStatus => ({
  remembers: one.remembers || other.remembers,
  bytes: one.bytes + other.bytes,
  followed: one.followed + other.followed,
  queries: one.queries + other.queries,
  evaluations: one.evaluations + other.evaluations,
  readers: one.readers + other.readers,
})

/** Keys of the one that knows of more; what both have passed on. */
const mergeAffinities = (one: AffinityStatus, other: AffinityStatus): AffinityStatus => ({
  ...(one.hotKeys >= other.hotKeys ? one : other),
  passed: {
    answered: one.passed.answered + other.passed.answered,
    elsewhere: one.passed.elsewhere + other.passed.elsewhere,
    unknown: one.passed.unknown + other.passed.unknown,
  },
})

/** The clock that is worse, of units on one machine that have melded the same. */
const mergeClocks = (one: ClockStatus, other: ClockStatus): ClockStatus => ({
  differenceMs:
    Math.abs(one.differenceMs) >= Math.abs(other.differenceMs)
      ? one.differenceMs
      : other.differenceMs,
  jumps: Math.max(one.jumps, other.jumps),
})
