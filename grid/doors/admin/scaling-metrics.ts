import type { ScalingStatus } from '../../engine/load/scaling-status.ts'
import type { MetricSample, StatusMetric } from './status-metric.ts'

const states = [
  'wanted',
  'ready',
  'starting',
  'spares',
  'silent',
] as const satisfies (keyof ScalingStatus)[]

const metric = (
  type: StatusMetric['type'],
  [name, help]: readonly [name: string, help: string],
  labels: readonly string[],
  read: (scaling: ScalingStatus) => readonly MetricSample[],
): StatusMetric => ({
  ...{ name, help, type, labels, roles: ['deployment-manager'] },
  read: ({ scaling }) => (scaling ? read(scaling()) : []),
})

/** Of the deployment manager. */
export const scalingMetrics: readonly StatusMetric[] = [
  metric(
    'gauge',
    [
      'spacegrid_scaling_units',
      'Units that there are to be, that serve, that are on their way, that stand by, and that say nothing of how they fare',
    ],
    ['state'],
    (scaling) => states.map((state) => ({ labels: { state }, value: scaling[state] })),
  ),
  metric(
    'gauge',
    [
      'spacegrid_scaling_active',
      '1 while this process decides; another one that stands by shows 0',
    ],
    [],
    ({ active }) => [{ labels: {}, value: active ? 1 : 0 }],
  ),
  metric(
    'gauge',
    ['spacegrid_scaling_unit_hours', 'Hours that units have run within the last 24, all together'],
    [],
    ({ unitHours }) => [{ labels: {}, value: unitHours }],
  ),
  metric(
    'counter',
    [
      'spacegrid_scaling_decisions_total',
      'What was done, or not done though more units were wished for, and why',
    ],
    ['action', 'cause'],
    ({ counts }) =>
      counts.map(({ action, cause, count }) => ({ labels: { action, cause }, value: count })),
  ),
]
