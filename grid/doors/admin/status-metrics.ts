import { collectDefaultMetrics, Registry } from 'prom-client'
import type { MemoryStatus } from '../../engine/memory/memory-watch.ts'
import type { LiveStatus } from '../request/live.ts'
import type { HoldsStatus } from '../request/serving.ts'
import { auditMetrics } from './audit-metrics.ts'
import { loadMetrics } from './load-metrics.ts'
import { passedMetrics } from './passed-metrics.ts'
import { placementMetrics } from './placement-metrics.ts'
import { reactionMetrics } from './reaction-metrics.ts'
import { scalingMetrics } from './scaling-metrics.ts'
import {
  type MetricKind,
  type MetricRole,
  metricRoles,
  ofEachSpace,
  ofParts,
  pumpAndUnits,
  registerStatus,
  type StatusMetric,
  unitRoles,
} from './status-metric.ts'
import type { SpaceFigures, StatusSource } from './status-source.ts'
import { waitingRoomMetrics } from './waiting-room-metrics.ts'

const unitGauge: MetricKind = { type: 'gauge', roles: unitRoles }
const unitCounter: MetricKind = { type: 'counter', roles: unitRoles }
const pump: readonly MetricRole[] = ['data-pump']
const writer: readonly MetricRole[] = ['data-writer']
const melding = pumpAndUnits
const following = [...pumpAndUnits, ...writer]
const holding: readonly MetricRole[] = [...following, 'data-reader']

/** What the status of every space says in one figure. */
const figures = {
  position: ['spacegrid_position', 'Log position of the replica, or of what is stored', holding],
  lag: [
    'spacegrid_lag_positions',
    'Positions between the newest one known and the replica, or what is stored',
    following,
  ],
  entries: ['spacegrid_entries', 'Entries held, or stored', holding],
  bytes: [
    'spacegrid_entry_bytes',
    'Estimated bytes of the values held; of a writer, of the windows that wait to be stored',
    following,
  ],
  digestPosition: [
    'spacegrid_digest_position',
    'Log position that the digest of the status belongs to',
    holding,
  ],
  pending: [
    'spacegrid_pending_transactions',
    'Transactions sent and not yet melded; of a pump, changes that are not published yet',
    melding,
  ],
  quarantined: [
    'spacegrid_quarantined_entries',
    'Entries that MongoDB refuses for what they are: npx spacegrid quarantine list',
    writer,
  ],
  damagedRecords: [
    'spacegrid_damaged_records',
    'Records of the log that were no frame of any version, and were passed over',
    melding,
  ],
  logFilled: [
    'spacegrid_log_filled_ratio',
    'Share of the room of the log that is taken, of pump and writer of the fuller one of log and change queue: at 1 commands get 507',
    following,
  ],
  commandsPerSecond: ['spacegrid_commands_per_second', 'Commands answered per second', unitRoles],
  published: [
    'spacegrid_published_position',
    'Log position up to which changes are in the change queue',
    pump,
  ],
  imagePosition: ['spacegrid_image_position', 'Log position of the warm image', pump],
} as const satisfies Partial<
  Record<keyof SpaceFigures, readonly [string, string, readonly MetricRole[]]>
>

const spaceMetrics: readonly StatusMetric[] = [
  ...Object.entries(figures).map(([field, [name, help, roles]]) =>
    ofEachSpace(
      { type: 'gauge', roles },
      name,
      help,
      (told) => told[field as keyof typeof figures],
    ),
  ),
  ofEachSpace(
    { type: 'gauge', roles: [...pump, ...writer] },
    'spacegrid_active',
    '1 while this process does the work; 0: another one does, and this one stands by',
    ({ state }) => (state === undefined ? undefined : state === 'active' ? 1 : 0),
  ),
  ofEachSpace(
    { type: 'counter', roles: pump },
    'spacegrid_events_published_total',
    'Domain events published for other services, by this process in its present life',
    ({ eventsPublished }) => eventsPublished,
  ),
  ofEachSpace(
    unitCounter,
    'spacegrid_collisions_total',
    'Transactions that collided and had to run again',
    ({ collisions }) => collisions,
  ),
  ofEachSpace(
    { type: 'gauge', roles: melding },
    'spacegrid_clock_difference_seconds',
    "How far the machine's clock is ahead of the log's time",
    ({ clock }) => clock && clock.differenceMs / 1000,
  ),
  ofEachSpace(
    { type: 'counter', roles: melding },
    'spacegrid_clock_jumps_total',
    "Records whose time and whose sender's did not agree",
    ({ clock }) => clock?.jumps,
  ),
]

const holdGauges = {
  count: ['spacegrid_holds', 'Commands across partitions that hold something in this one', 1],
  oldestMs: [
    'spacegrid_hold_oldest_seconds',
    'How long the oldest command across partitions has held something',
    1000,
  ],
  waiting: [
    'spacegrid_waiting_for_holds',
    'Commands of this process that wait for one across partitions, or for their turn',
    1,
  ],
} as const satisfies Record<keyof HoldsStatus, readonly [string, string, number]>

/** Only of partitions of divided spaces. */
const holdMetrics = Object.entries(holdGauges).map(([field, [name, help, unit]]) =>
  ofEachSpace(
    { type: 'gauge', roles: ['processing-unit', 'query-unit'] },
    name,
    help,
    ({ holds }) => holds && holds[field as keyof HoldsStatus] / unit,
  ),
)

const liveGauges = {
  readers: ['spacegrid_stream_readers', 'Connections that follow streams of the space here'],
  followed: ['spacegrid_streams', 'Different streams, or places in them, that are followed here'],
  queries: ['spacegrid_live_queries', 'Queries whose answers are kept up to date here'],
  bytes: [
    'spacegrid_stream_memory_bytes',
    'Memory of what has happened last, kept for those who come back, roughly',
  ],
} as const satisfies Partial<Record<keyof LiveStatus, readonly [string, string]>>

const liveMetrics = [
  ...Object.entries(liveGauges).map(([field, [name, help]]) =>
    ofEachSpace(unitGauge, name, help, ({ live }) => live?.[field as keyof typeof liveGauges]),
  ),
  ofEachSpace(
    unitCounter,
    'spacegrid_live_query_evaluations_total',
    'Times that a live query was worked out',
    ({ live }) => live?.evaluations,
  ),
]

/** Only of spaces with commands that declare an affinity. */
const affinityMetrics = [
  ofEachSpace(
    unitGauge,
    'spacegrid_hot_keys',
    'Affinity keys that collide so often that their commands go to one unit',
    ({ affinity }) => affinity?.hotKeys,
  ),
  ofParts(
    unitCounter,
    [
      'spacegrid_hot_key_commands_total',
      'Commands of hot keys that were passed on to the home of their key: it answered, it was not there and another unit was asked, or nobody knows what became of it',
    ],
    ['outcome'],
    ({ affinity }) =>
      Object.entries(affinity?.passed ?? {}).map(([outcome, value]) => ({
        labels: { outcome },
        value,
      })),
  ),
]

const memoryGauges = {
  usedBytes: ['spacegrid_memory_bytes', 'Bytes that live in the process'],
  budgetBytes: ['spacegrid_memory_budget_bytes', 'Bytes that may live in the process'],
  full: [
    'spacegrid_memory_full',
    'Processes near their budget, as far as this one hears: above 0 nothing is added',
  ],
} as const satisfies Record<keyof MemoryStatus, readonly [string, string]>

/** architecture.md, invariant 10. */
const memoryMetrics = Object.entries(memoryGauges).map(([field, [name, help]]) =>
  ofEachSpace({ type: 'gauge', roles: holding }, name, help, ({ memory }) => {
    const value = memory?.[field as keyof MemoryStatus]
    return typeof value === 'object' ? value.length : value
  }),
)

const readyMetric: StatusMetric = {
  name: 'spacegrid_ready',
  help: '1 while this process should get work',
  type: 'gauge',
  labels: [],
  roles: metricRoles,
  read: (source) => [{ labels: {}, value: source.notReady().length === 0 ? 1 : 0 }],
}

/** Everything that a status says. */
export const statusMetrics: readonly StatusMetric[] = [
  readyMetric,
  ...spaceMetrics,
  ...loadMetrics,
  ...memoryMetrics,
  ...liveMetrics,
  ...affinityMetrics,
  ...auditMetrics,
  ...holdMetrics,
  ...placementMetrics,
  ...passedMetrics,
  ...reactionMetrics,
  ...waitingRoomMetrics,
  ...scalingMetrics,
]

/**
 * Everything a status says as Prometheus metrics, read when they are scraped, with the process's
 * own (CPU, memory, event loop).
 * @param registry with what the process counts by itself
 */
export function metricsOf(source: StatusSource, registry = new Registry()): Registry {
  registry.setDefaultLabels({ unit: source.unit, role: source.role })
  registerStatus(registry, source, statusMetrics)
  collectDefaultMetrics({ register: registry })
  return registry
}
