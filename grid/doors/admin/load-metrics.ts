import { type MetricKind, ofEachSpace, ofParts, unitRoles } from './status-metric.ts'

const gauge: MetricKind = { type: 'gauge', roles: unitRoles }
const counter: MetricKind = { type: 'counter', roles: unitRoles }

/** How units fare under the load that comes through their doors. */
export const loadMetrics = [
  ofEachSpace(
    gauge,
    'spacegrid_commands_limit',
    'Commands from outside that may be without an outcome at the same time, as it is now',
    ({ load }) => load?.limit,
  ),
  ofEachSpace(
    gauge,
    'spacegrid_queries_waiting',
    'Queries that wait for their turn, because they take long',
    ({ load }) => load?.queries.waiting,
  ),
  ofEachSpace(
    counter,
    'spacegrid_queries_shed_total',
    'Queries turned away with 503 overloaded, because too many that take long waited',
    ({ load }) => load?.queries.shed,
  ),
  ofParts(
    counter,
    [
      'spacegrid_commands_shed_total',
      'Commands turned away with 503 overloaded, by why and how urgent they were',
    ],
    ['reason', 'priority'],
    ({ load }) =>
      (load?.shed ?? []).map(({ reason, priority, count }) => ({
        labels: { reason, priority },
        value: count,
      })),
  ),
]
