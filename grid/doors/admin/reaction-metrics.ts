import type { ReactionsStatus } from '../request/serving.ts'
import { type MetricKind, ofEachSpace } from './status-metric.ts'

const roles: MetricKind['roles'] = ['processing-unit', 'query-unit']

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
export const reactionMetrics = [
  ...Object.entries(gauges).map(([field, [name, help]]) =>
    ofEachSpace(
      { type: 'gauge', roles },
      name,
      help,
      ({ reactions }) => reactions?.[field as keyof typeof gauges],
    ),
  ),
  ...Object.entries(counters).map(([field, [name, help]]) =>
    ofEachSpace(
      { type: 'counter', roles },
      name,
      help,
      ({ reactions }) => reactions?.[field as keyof typeof counters],
    ),
  ),
  ofEachSpace(
    { type: 'gauge', roles },
    'spacegrid_reactions_oldest_seconds',
    'Age of the oldest that is not dead; 0: none is waiting',
    ({ reactions }) => reactions && reactions.oldestMs / 1000,
  ),
]
