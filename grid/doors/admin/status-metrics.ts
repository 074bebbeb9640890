import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { AuditStatus } from '../../engine/agreement/audit-status.ts'
import type { MemoryStatus } from '../../engine/memory/memory-watch.ts'
import type { LiveStatus } from '../request/live.ts'
import type { HoldsStatus } from '../request/serving.ts'
import { addLoadMetrics } from './load-metrics.ts'
import { addPassedMetrics } from './passed-metrics.ts'
import { addPlacementMetrics } from './placement-metrics.ts'
import { addReactionMetrics } from './reaction-metrics.ts'
import { addScalingMetrics } from './scaling-metrics.ts'
import type { SpaceFigures, StatusSource } from './status-source.ts'
import { addWaitingRoomMetrics } from './waiting-room-metrics.ts'

const gauges = {
  position: ['spacegrid_position', 'Log position of the replica'],
  lag: ['spacegrid_lag_positions', 'Positions between the newest one known and the replica'],
  entries: ['spacegrid_entries', 'Entries held'],
  bytes: ['spacegrid_entry_bytes', 'Estimated bytes of the values held'],
  digestPosition: [
    'spacegrid_digest_position',
    'Log position that the digest of the status belongs to',
  ],
  pending: ['spacegrid_pending_transactions', 'Transactions sent and not yet melded'],
  quarantined: [
    'spacegrid_quarantined_entries',
    'Entries that MongoDB refuses for what they are: npx spacegrid quarantine list',
  ],
  damagedRecords: [
    'spacegrid_damaged_records',
    'Records of the log that were no frame of any version, and were passed over',
  ],
  logFilled: [
    'spacegrid_log_filled_ratio',
    'Share of the room of the log that is taken, of pump and writer of the fuller one of log and change queue: at 1 commands get 507',
  ],
  commandsPerSecond: ['spacegrid_commands_per_second', 'Commands answered per second'],
} as const satisfies Partial<Record<keyof SpaceFigures, readonly [string, string]>>

/**
 * Everything a status says as Prometheus metrics, read when they are scraped, with the process's
 * own (CPU, memory, event loop).
 * @param registry with what the process counts by itself
 */
export function metricsOf(source: StatusSource, registry = new Registry()): Registry {
  registry.setDefaultLabels({ unit: source.unit, role: source.role })
  const registers = [registry]
  for (const [field, [name, help]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      labelNames: ['space'],
      registers,
      collect() {
        this.reset()
        for (const [space, figures] of Object.entries(source.spaces())) {
          const value = figures[field as keyof typeof gauges]
          if (value !== undefined) this.set({ space }, value)
        }
      },
    })
  }
  new Counter({
    name: 'spacegrid_collisions_total',
    help: 'Transactions that collided and had to run again',
    labelNames: ['space'],
    registers,
    collect() {
      this.reset()
      for (const [space, { collisions }] of Object.entries(source.spaces()))
        if (collisions !== undefined) this.inc({ space }, collisions)
    },
  })
  addClockMetrics(registry, source)
  addHoldMetrics(registry, source)
  addAffinityMetrics(registry, source)
  addReactionMetrics(registry, source)
  addScalingMetrics(registry, source)
  addLoadMetrics(registry, source)
  addLiveMetrics(registry, source)
  addAuditMetrics(registry, source)
  addMemoryMetrics(registry, source)
  addPassedMetrics(registry, source)
  addWaitingRoomMetrics(registry, source)
  if (source.placement) addPlacementMetrics(registry, source)
  new Gauge({
    name: 'spacegrid_ready',
    help: '1 while this process should get work',
    registers,
    collect() {
      this.set(source.notReady().length === 0 ? 1 : 0)
    },
  })
  collectDefaultMetrics({ register: registry })
  return registry
}

function addClockMetrics(registry: Registry, source: StatusSource): void {
  const shared = { labelNames: ['space'], registers: [registry] }
  const clocks = () =>
    Object.entries(source.spaces()).flatMap(([space, { clock }]) =>
      clock ? [{ space, clock }] : [],
    )
  new Gauge({
    name: 'spacegrid_clock_difference_seconds',
    help: "How far the machine's clock is ahead of the log's time",
    ...shared,
    collect() {
      this.reset()
      for (const { space, clock } of clocks()) this.set({ space }, clock.differenceMs / 1000)
    },
  })
  new Counter({
    name: 'spacegrid_clock_jumps_total',
    help: "Records whose time and whose sender's did not agree",
    ...shared,
    collect() {
      this.reset()
      for (const { space, clock } of clocks()) this.inc({ space }, clock.jumps)
    },
  })
}

const holdGauges = {
  count: ['spacegrid_holds', 'Commands across partitions that hold something in this one', 1],
  oldestMs: ['spacegrid_hold_oldest_seconds', 'How long the oldest of them has held it', 1000],
  waiting: ['spacegrid_waiting_for_holds', 'Commands of this process that wait for one', 1],
} as const satisfies Record<keyof HoldsStatus, readonly [string, string, number]>

/** Only of partitions of divided spaces. */
function addHoldMetrics(registry: Registry, source: StatusSource): void {
  for (const [field, [name, help, unit]] of Object.entries(holdGauges))
    new Gauge({
      name,
      help,
      labelNames: ['space'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [space, { holds }] of Object.entries(source.spaces()))
          if (holds) this.set({ space }, holds[field as keyof HoldsStatus] / unit)
      },
    })
}

const liveGauges = {
  readers: ['spacegrid_stream_readers', 'Connections that follow streams of the space here'],
  followed: ['spacegrid_streams', 'Different streams, or places in them, that are followed here'],
  queries: ['spacegrid_live_queries', 'Queries whose answers are kept up to date here'],
  bytes: [
    'spacegrid_stream_memory_bytes',
    'Memory of what has happened last, kept for those who come back, roughly',
  ],
} as const satisfies Partial<Record<keyof LiveStatus, readonly [string, string]>>

function addLiveMetrics(registry: Registry, source: StatusSource): void {
  for (const [field, [name, help]] of Object.entries(liveGauges))
    new Gauge({
      ...{ name, help, labelNames: ['space'], registers: [registry] },
      collect() {
        this.reset()
        for (const [space, { live }] of Object.entries(source.spaces()))
          if (live) this.set({ space }, live[field as keyof typeof liveGauges])
      },
    })
  new Counter({
    name: 'spacegrid_live_query_evaluations_total',
    help: 'Times that one of them was worked out',
    ...{ labelNames: ['space'], registers: [registry] },
    collect() {
      this.reset()
      for (const [space, { live }] of Object.entries(source.spaces()))
        if (live) this.inc({ space }, live.evaluations)
    },
  })
}

/** Only of spaces with commands that declare an affinity. */
function addAffinityMetrics(registry: Registry, source: StatusSource): void {
  const registers = [registry]
  const affinities = () =>
    Object.entries(source.spaces()).flatMap(([space, { affinity }]) =>
      affinity ? [{ space, affinity }] : [],
    )
  new Gauge({
    name: 'spacegrid_hot_keys',
    help: 'Affinity keys that collide so often that their commands go to one unit',
    ...{ labelNames: ['space'], registers },
    collect() {
      this.reset()
      for (const { space, affinity } of affinities()) this.set({ space }, affinity.hotKeys)
    },
  })
  new Counter({
    name: 'spacegrid_hot_key_commands_total',
    help: 'Commands of hot keys that were passed on to the home of their key: it answered, it was not there and another unit was asked, or nobody knows what became of it',
    ...{ labelNames: ['space', 'outcome'], registers },
    collect() {
      this.reset()
      for (const { space, affinity } of affinities())
        for (const [outcome, count] of Object.entries(affinity.passed))
          this.inc({ space, outcome }, count)
    },
  })
}

const auditGauges = {
  drift: [
    'spacegrid_drift',
    'Replicas and stored copies whose digest differs from this one; 0: none',
  ],
  position: ['spacegrid_audit_position', 'Newest log position at which digests were compared'],
} as const satisfies Partial<Record<keyof AuditStatus, readonly [string, string]>>

const auditCounters = {
  comparisons: ['spacegrid_audit_comparisons_total', 'Digests compared'],
  entriesCompared: ['spacegrid_audit_entries_total', 'Entries compared, values and all'],
  entriesDifferent: [
    'spacegrid_audit_entries_different_total',
    'Entries that had another value elsewhere under the same version',
  ],
  diverged: ['spacegrid_diverged_total', 'Times the replica left service because it differed'],
} as const satisfies Partial<Record<keyof AuditStatus, readonly [string, string]>>

/** architecture.md, invariant 9. */
function addAuditMetrics(registry: Registry, source: StatusSource): void {
  const registers = [registry]
  const audits = () =>
    Object.entries(source.spaces()).flatMap(([space, { audit }]) =>
      audit ? [{ space, audit }] : [],
    )
  const labelNames = ['space']
  for (const [field, [name, help]] of Object.entries(auditGauges))
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset()
        for (const { space, audit } of audits())
          this.set({ space }, audit[field as keyof typeof auditGauges])
      },
    })
  for (const [field, [name, help]] of Object.entries(auditCounters))
    new Counter({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset()
        for (const { space, audit } of audits())
          this.inc({ space }, audit[field as keyof typeof auditCounters])
      },
    })
  new Gauge({
    name: 'spacegrid_audit_timestamp_seconds',
    help: 'When digests were compared last, by the clock of the process; 0: never',
    ...{ labelNames, registers },
    collect() {
      this.reset()
      for (const { space, audit } of audits()) this.set({ space }, audit.at / 1000)
    },
  })
  new Gauge({
    name: 'spacegrid_audit_peer_differs',
    help: '1 while the digest of this replica or stored copy differs',
    ...{ labelNames: [...labelNames, 'peer', 'peer_role'], registers },
    collect() {
      this.reset()
      for (const { space, audit } of audits())
        for (const { name: peer, role, agrees } of audit.peers)
          if (agrees !== undefined) this.set({ space, peer, peer_role: role }, agrees ? 0 : 1)
    },
  })
}

const memoryGauges = {
  usedBytes: ['spacegrid_memory_bytes', 'Bytes that live in the process'],
  budgetBytes: ['spacegrid_memory_budget_bytes', 'Bytes that may'],
  full: [
    'spacegrid_memory_full',
    'Processes near their budget, as far as this one hears: above 0 nothing is added',
  ],
} as const satisfies Record<keyof MemoryStatus, readonly [string, string]>

/** architecture.md, invariant 10. */
function addMemoryMetrics(registry: Registry, source: StatusSource): void {
  for (const [field, [name, help]] of Object.entries(memoryGauges))
    new Gauge({
      ...{ name, help, labelNames: ['space'], registers: [registry] },
      collect() {
        this.reset()
        for (const [space, { memory }] of Object.entries(source.spaces())) {
          const value = memory?.[field as keyof MemoryStatus]
          if (value !== undefined)
            this.set({ space }, typeof value === 'number' ? value : value.length)
        }
      },
    })
}
