import { spaceOf } from '@spacegrid/grid/core/log-name'
import { increase, quantileMs, together, total } from './figures.ts'
import { type Figures, figuresIn, type Heard, isUnit } from './heard.ts'
import { countedOf, secondsOf } from './process-view.ts'
import type { HotKeyView, RoleState, ShedView, SpaceView } from './snapshot.ts'

const hotKeysShown = 16

/**
 * The names of all spaces that anybody works for, but for those of waiting lines: nobody sends them
 * commands, and how they stand is shown by itself.
 */
export function spacesOf(all: readonly Heard[]): string[] {
  const figures = all.flatMap(({ now }) => figuresIn(now.told))
  const ofLines = new Set(figures.flatMap(([log, { waitingRoom }]) => (waitingRoom ? [log] : [])))
  const logs = figures.map(([log]) => log).filter((log) => !ofLines.has(log))
  return [...new Set(logs.map(spaceOf))].sort()
}

export function spaceView(space: string, everybody: readonly Heard[]): SpaceView {
  const all = everybody.filter(({ silent }) => !silent)
  const units = all.filter(({ now: { told } }) => isUnit(told) && worksFor(told.spaces, space))
  const commands = together(all.map((heard) => countedOf(heard, 'commands', space)))
  const queries = together(all.map((heard) => countedOf(heard, 'queries', space)))
  const counting = all.filter(({ now }) => now.told.requests !== undefined)
  const seconds = counting.length === 0 ? 1 : Math.max(...counting.map(secondsOf))
  const logs = logsOf(space, all).map((log) => logFigures(log, all))
  const sum = (pick: (log: LogFigures) => number) => logs.reduce((to, log) => to + pick(log), 0)
  const ofUnits = units.flatMap(({ now }) => ofSpace(now.told.spaces, space))
  const outcomes = Object.entries(commands.outcomes).map(([outcome, count]) => [
    outcome,
    count / seconds,
  ])
  return {
    space,
    partitions: Math.max(1, ...all.map(({ now }) => now.told.placement?.[space]?.partitions ?? 1)),
    units: units.length,
    unitsReady: units.filter(({ now }) => now.told.ready).length,
    commandsPerSecond: total(commands) / seconds,
    queriesPerSecond: total(queries) / seconds,
    outcomes: Object.fromEntries(outcomes),
    p50Ms: quantileMs(commands, 0.5) ?? null,
    p99Ms: quantileMs(commands, 0.99) ?? null,
    pending: ofUnits.reduce((to, [, { pending = 0 }]) => to + pending, 0),
    queueingDelayMs: Math.max(0, ...ofUnits.map(([, { load }]) => load?.queueingDelayMs ?? 0)),
    entries: sum(({ entries }) => entries),
    bytes: sum(({ bytes }) => bytes),
    position: sum(({ end }) => end),
    recordsPerSecond: sum(({ recordsPerSecond }) => recordsPerSecond),
    collisionsPerSecond: sum(({ collisionsPerSecond }) => collisionsPerSecond),
    toPump: sum(({ toPump }) => toPump),
    toWriter: sum(({ toWriter }) => toWriter),
    collecting: sum(({ collecting }) => collecting),
    pump: roleState(all, space, 'data-pump'),
    writer: roleState(all, space, 'data-writer'),
    image: imageOf(all, space),
    logFilled: Math.max(
      0,
      ...all.flatMap(({ now }) =>
        ofSpace(now.told.spaces, space).map(([, { logFilled }]) => logFilled ?? 0),
      ),
    ),
    quarantined: sum(({ quarantined }) => quarantined),
    deadLetters: Math.max(0, ...ofUnits.map(([, { reactions }]) => reactions?.dead ?? 0)),
    readers: ofUnits.reduce((to, [, { live }]) => to + (live?.readers ?? 0), 0),
  }
}

interface LogFigures {
  readonly end: number
  readonly toPump: number
  readonly toWriter: number
  readonly collecting: number
  readonly entries: number
  readonly bytes: number
  readonly recordsPerSecond: number
  readonly collisionsPerSecond: number
  readonly quarantined: number
}

/**
 * How far everybody is in one log. What is told was told at slightly different moments, so nobody
 * may be ahead of the one before: what would be less than nothing is nothing.
 */
function logFigures(log: string, all: readonly Heard[]): LogFigures {
  const of = (role: string) =>
    all.flatMap(({ now: { told } }) => {
      const figures: Figures | undefined = told.spaces[log]
      return figures && told.role === role ? [figures] : []
    })
  const replicas = all.flatMap(({ now: { told } }) => {
    const figures = told.spaces[log]
    return figures && (isUnit(told) || told.role === 'data-pump') ? [figures] : []
  })
  const pumps = of('data-pump')
  const writers = of('data-writer')
  const units = all.filter(({ now: { told } }) => isUnit(told) && told.spaces[log])
  const stored = Math.max(0, ...writers.map(({ position = 0 }) => position))
  const end = Math.max(stored, ...replicas.map(({ position = 0, lag = 0 }) => position + lag))
  const published = Math.max(stored, ...pumps.map(({ published = 0 }) => published))
  const rates = units.map((heard) => {
    const [now, before] = [heard.now.told.spaces[log], heard.before?.told.spaces[log]]
    const seconds = secondsOf(heard)
    const grown = (field: 'position' | 'collisions') =>
      before ? increase(now?.[field] ?? 0, before[field]) / seconds : 0
    return { records: grown('position'), collisions: grown('collisions') }
  })
  return {
    end,
    toPump: pumps.length === 0 ? 0 : Math.max(0, end - published),
    toWriter: writers.length === 0 ? 0 : Math.max(0, published - stored),
    collecting: Math.max(0, ...pumps.map(({ pending = 0 }) => pending)),
    entries: Math.max(0, ...replicas.map(({ entries = 0 }) => entries)),
    bytes: Math.max(0, ...replicas.map(({ bytes = 0 }) => bytes)),
    recordsPerSecond: Math.max(0, ...rates.map(({ records }) => records)),
    // Each counts its own.
    collisionsPerSecond: rates.reduce((sum, { collisions }) => sum + collisions, 0),
    quarantined: Math.max(0, ...writers.map(({ quarantined = 0 }) => quarantined)),
  }
}

const ofSpace = (
  spaces: Readonly<Record<string, Figures>>,
  space: string,
): (readonly [string, Figures])[] =>
  Object.entries(spaces).filter(([log]) => spaceOf(log) === space)

const worksFor = (spaces: Readonly<Record<string, Figures>>, space: string): boolean =>
  Object.keys(spaces).some((log) => spaceOf(log) === space)

const logsOf = (space: string, all: readonly Heard[]): string[] => [
  ...new Set(all.flatMap(({ now }) => ofSpace(now.told.spaces, space).map(([log]) => log))),
]

function roleState(all: readonly Heard[], space: string, role: string): RoleState {
  const those = all.filter(
    ({ now: { told } }) => told.role === role && worksFor(told.spaces, space),
  )
  if (those.length === 0) return 'none'
  return those.some(({ now }) => now.told.ready) ? 'ready' : 'not-ready'
}

function imageOf(all: readonly Heard[], space: string): string | null {
  const states = all.flatMap(({ now }) =>
    ofSpace(now.told.spaces, space).flatMap(([, { image }]) => image ?? []),
  )
  return states.find((state) => state !== 'none') ?? null
}

/** What is turned away, by whom and why. */
export function shedViews(everybody: readonly Heard[]): ShedView[] {
  const found = everybody
    .filter(({ silent }) => !silent)
    .flatMap((heard) =>
      figuresIn(heard.now.told).flatMap(([log, { load }]) => {
        const before: Figures | undefined = heard.before?.told.spaces[log]
        return (load?.shed ?? []).map(({ reason, priority, count }) => {
          const earlier = before?.load?.shed.find(
            (one) => one.reason === reason && one.priority === priority,
          )
          const grown = before ? increase(count, earlier?.count ?? 0) / secondsOf(heard) : 0
          return { space: spaceOf(log), reason, priority, perSecond: grown, total: count }
        })
      }),
    )
  const same = Map.groupBy(found, (one) => `${one.space} ${one.reason} ${one.priority}`)
  return [...same.values()].map((those) => ({
    ...(those[0] as ShedView),
    perSecond: those.reduce((sum, { perSecond }) => sum + perSecond, 0),
    total: those.reduce((sum, one) => sum + one.total, 0),
  }))
}

/** The keys that collide most, of all that units see of them. */
export function hotKeyViews(everybody: readonly Heard[]): HotKeyView[] {
  const found = everybody
    .filter(({ silent }) => !silent)
    .flatMap(({ now }) =>
      figuresIn(now.told).flatMap(([log, { affinity }]) =>
        (affinity?.keys ?? []).map((key) => ({ ...key, space: spaceOf(log) })),
      ),
    )
  const same = Map.groupBy(found, ({ space, key }) => `${space} ${key}`)
  return [...same.values()]
    .map((those) => ({
      ...(those[0] as HotKeyView),
      collisionsPerSecond: those.reduce((sum, one) => sum + one.collisionsPerSecond, 0),
      commandsPerSecond: those.reduce((sum, one) => sum + one.commandsPerSecond, 0),
      home: those.find(({ home }) => home !== null)?.home ?? null,
    }))
    .sort((one, other) => other.collisionsPerSecond - one.collisionsPerSecond)
    .slice(0, hotKeysShown)
}
