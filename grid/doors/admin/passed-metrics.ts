import type { StatusMetric } from './status-metric.ts'

/** What is passed on: in divided spaces, and by units that take no commands. */
export const passedMetrics: readonly StatusMetric[] = [
  {
    name: 'spacegrid_passed_requests_total',
    help: 'Requests that were passed on to a unit that keeps their partition, or that takes commands: it answered, it did not and another one was asked, or nobody knows what became of it',
    type: 'counter',
    labels: ['space', 'outcome'],
    roles: ['processing-unit', 'query-unit'],
    read: (source) =>
      [...Object.entries(source.placement?.() ?? {}), ...Object.entries(source.spaces())].flatMap(
        ([space, { passed }]) =>
          Object.entries(passed ?? {}).map(([outcome, value]) => ({
            labels: { space, outcome },
            value,
          })),
      ),
  },
]
