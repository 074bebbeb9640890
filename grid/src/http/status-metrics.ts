import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { SpaceFigures, StatusSource } from './status-source.ts'

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
  commandsPerSecond: ['spacegrid_commands_per_second', 'Commands answered per second'],
} as const satisfies Partial<Record<keyof SpaceFigures, readonly [string, string]>>

/**
 * Everything a status says as Prometheus metrics, read when they are scraped, with the process's own (CPU, memory, event
 * loop). Whoever counts more adds it to the registry.
 */
export function metricsOf(source: StatusSource): Registry {
  const registry = new Registry()
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
