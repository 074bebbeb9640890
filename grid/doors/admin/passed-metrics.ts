import { Counter, type Registry } from 'prom-client'
import type { StatusSource } from './status-source.ts'

/** What is passed on: in divided spaces, and by units that take no commands. */
export function addPassedMetrics(registry: Registry, source: StatusSource): void {
  new Counter({
    name: 'spacegrid_passed_requests_total',
    help: 'Requests that were passed on to a unit that keeps their partition, or that takes commands: it answered, it did not and another one was asked, or nobody knows what became of it',
    labelNames: ['space', 'outcome'],
    registers: [registry],
    collect() {
      this.reset()
      const all = [
        ...Object.entries(source.placement?.() ?? {}),
        ...Object.entries(source.spaces()),
      ]
      for (const [space, { passed }] of all)
        for (const [outcome, count] of Object.entries(passed ?? {}))
          this.inc({ space, outcome }, count)
    },
  })
}
