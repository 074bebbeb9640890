import { Counter, Gauge, type Registry } from 'prom-client'
import type { ReactionsStatus } from '../request/serving.ts'
import type { StatusSource } from './status-source.ts'

const gauges = {
  waiting: ['spacegrid_reactions_waiting', 'What reactions and processes have still to do'],
  dead: ['spacegrid_reactions_dead', 'Dead letters: what people have to look at'],
} as const satisfies Partial<Record<keyof ReactionsStatus, readonly [string, string]>>

const counters = {
  done: ['spacegrid_reactions_done_total', 'Steps and compensations that this process has done'],
  retried: [
    'spacegrid_reactions_retried_total',
    'Attempts that have failed, or of which nothing could be said yet',
  ],
  died: ['spacegrid_reactions_died_total', 'Dead letters that this process has made'],
} as const satisfies Partial<Record<keyof ReactionsStatus, readonly [string, string]>>

/** Only of spaces that declare reactions or processes. */
export function addReactionMetrics(registry: Registry, source: StatusSource): void {
  const shared = { labelNames: ['space'], registers: [registry] }
  const all = () =>
    Object.entries(source.spaces()).flatMap(([space, { reactions }]) =>
      reactions ? [{ space, reactions }] : [],
    )
  for (const [field, [name, help]] of Object.entries(gauges))
    new Gauge({
      ...{ ...shared, name, help },
      collect() {
        this.reset()
        for (const { space, reactions } of all())
          this.set({ space }, reactions[field as keyof typeof gauges])
      },
    })
  for (const [field, [name, help]] of Object.entries(counters))
    new Counter({
      ...{ ...shared, name, help },
      collect() {
        this.reset()
        for (const { space, reactions } of all())
          this.inc({ space }, reactions[field as keyof typeof counters])
      },
    })
  new Gauge({
    ...{ ...shared, name: 'spacegrid_reactions_oldest_seconds' },
    help: 'Age of the oldest that is not dead; 0: none is waiting',
    collect() {
      this.reset()
      for (const { space, reactions } of all()) this.set({ space }, reactions.oldestMs / 1000)
    },
  })
}
