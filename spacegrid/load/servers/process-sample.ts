import type { SpaceFigures } from '@spacegrid/grid/doors/admin/status-source'
import type { ProcessSample } from './server-figures.ts'

/** `GET /status` of a process, as far as it is read here. */
export interface StatusTold {
  readonly unit: string
  readonly role: string
  readonly spaces: Readonly<Record<string, SpaceFigures>>
}

/** What only grows: its growth is what is told. */
export interface Counters {
  /** Ms since the run began. */
  readonly atMs: number
  readonly shed: number
  readonly collisions: number
  readonly processorSeconds: number | undefined
}

/**
 * The value of a metric of which a process has one, whatever labels say whose it is, in the text
 * format of Prometheus; undefined: it is not told.
 */
export function metricIn(text: string, name: string): number | undefined {
  const [, value] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text) ?? []
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

export function countersOf({ spaces }: StatusTold, metrics: string, atMs: number): Counters {
  const all = Object.values(spaces)
  const shed = all.reduce(
    (sum, { load }) =>
      sum +
      (load?.queries.shed ?? 0) +
      (load?.shed ?? []).reduce((ofReasons, { count }) => ofReasons + count, 0),
    0,
  )
  const collisions = all.reduce((sum, space) => sum + (space.collisions ?? 0), 0)
  const processorSeconds = metricIn(metrics, 'process_cpu_seconds_total')
  return { atMs, shed, collisions, processorSeconds }
}

const eventLoopMetric = 'nodejs_eventloop_lag_p99_seconds'
const memoryMetric = 'process_resident_memory_bytes'

/** @param before of the question before, if there was one */
export function sampleOf(
  { spaces }: StatusTold,
  metrics: string,
  counters: Counters,
  before: Counters | undefined,
): ProcessSample {
  const all = Object.values(spaces)
  const loads = all.flatMap(({ load }) => (load ? [load] : []))
  const eventLoop = metricIn(metrics, eventLoopMetric)
  const residentBytes = metricIn(metrics, memoryMetric)
  const sum = (read: (space: SpaceFigures) => number | undefined) =>
    all.some((space) => read(space) !== undefined)
      ? all.reduce((total, space) => total + (read(space) ?? 0), 0)
      : undefined
  return present({
    at: counters.atMs / 1000,
    queueingDelayMs:
      loads.length === 0 ? undefined : Math.max(...loads.map((load) => load.queueingDelayMs)),
    limit: loads.length === 0 ? undefined : loads.reduce((total, { limit }) => total + limit, 0),
    pending: sum(({ pending }) => pending),
    commandsPerSecond: sum(({ commandsPerSecond }) => commandsPerSecond),
    lag: sum(({ lag }) => lag),
    eventLoopMs: eventLoop === undefined ? undefined : eventLoop * 1000,
    residentBytes,
    ...growth(counters, before, loads.length > 0),
  })
}

function growth(now: Counters, before: Counters | undefined, sheds: boolean) {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0
  if (!before || seconds <= 0) return {}
  // Of a process that was started anew under the same address everything begins again.
  const perSecond = (one: number, other: number) => Math.max(0, one - other) / seconds
  const { processorSeconds } = now
  return {
    shedPerSecond: sheds ? perSecond(now.shed, before.shed) : undefined,
    collisionsPerSecond: perSecond(now.collisions, before.collisions),
    processors:
      processorSeconds === undefined || before.processorSeconds === undefined
        ? undefined
        : perSecond(processorSeconds, before.processorSeconds),
  }
}

type Optional = { [Name in keyof ProcessSample]: ProcessSample[Name] | undefined }

/** Without what is not known. */
const present = (sample: Optional): ProcessSample =>
  Object.fromEntries(
    Object.entries(sample).filter(([, value]) => value !== undefined),
  ) as unknown as ProcessSample
