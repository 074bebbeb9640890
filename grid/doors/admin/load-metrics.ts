import { Counter, Gauge, type Registry } from 'prom-client'
import type { StatusSource } from './status-source.ts'

/** How units fare under the load that comes through their doors. */
export function addLoadMetrics(registry: Registry, source: StatusSource): void {
  const registers = [registry]
  const all = () =>
    Object.entries(source.spaces()).flatMap(([space, { load }]) => (load ? [{ space, load }] : []))
  new Gauge({
    name: 'spacegrid_commands_limit',
    help: 'Commands from outside that may be without an outcome at the same time, as it is now',
    labelNames: ['space'],
    registers,
    collect() {
      this.reset()
      for (const { space, load } of all()) this.set({ space }, load.limit)
    },
  })
  new Gauge({
    name: 'spacegrid_queries_waiting',
    help: 'Queries that wait for their turn, because they take long',
    labelNames: ['space'],
    registers,
    collect() {
      this.reset()
      for (const { space, load } of all()) this.set({ space }, load.queries.waiting)
    },
  })
  new Counter({
    name: 'spacegrid_queries_shed_total',
    help: 'Queries turned away with 503 overloaded, because too many that take long waited',
    labelNames: ['space'],
    registers,
    collect() {
      this.reset()
      for (const { space, load } of all()) this.inc({ space }, load.queries.shed)
    },
  })
  new Counter({
    name: 'spacegrid_commands_shed_total',
    help: 'Commands turned away with 503 overloaded, by why and how urgent they were',
    labelNames: ['space', 'reason', 'priority'],
    registers,
    collect() {
      this.reset()
      for (const { space, load } of all())
        for (const { reason, priority, count } of load.shed)
          this.inc({ space, reason, priority }, count)
    },
  })
}
