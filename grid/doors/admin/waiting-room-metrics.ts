import type { LineStatus } from '../request/waiting-room-status.ts'
import type { MetricSample, StatusMetric } from './status-metric.ts'

const gauges = {
  waiting: ['spacegrid_line_waiting', 'Places in line whose turn has not come yet'],
  inside: ['spacegrid_line_inside', 'Visitors who are inside'],
  insideLimit: ['spacegrid_line_inside_limit', 'How many may be inside, as it is now'],
  movedPerSecond: ['spacegrid_line_moved_per_second', 'Places whose turn has come, over 30 s'],
  isHeld: [
    'spacegrid_line_held',
    '1 while nobody comes in, because what the admitted ask is not done',
  ],
} as const satisfies Partial<Record<keyof LineStatus, readonly [string, string]>>

const counters = {
  committed: ['spacegrid_line_committed_total', 'Commands of those inside that were committed'],
  shed: ['spacegrid_line_shed_total', 'Requests of those inside that were answered with 503'],
  finished: ['spacegrid_line_finished_total', 'Visits that were finished before their time'],
} as const satisfies Partial<Record<keyof LineStatus, readonly [string, string]>>

const lanes = [
  ['given', 'spacegrid_line_places_given_total', 'Places given'],
  ['admitted', 'spacegrid_line_places_admitted_total', 'Places whose turn has come'],
] as const

const metric = (
  type: StatusMetric['type'],
  [name, help]: readonly [name: string, help: string],
  labels: readonly string[],
  read: (line: LineStatus) => readonly MetricSample[],
): StatusMetric => ({
  ...{ name, help, type, labels: ['line', ...labels], roles: ['waiting-room'] },
  read: (source) =>
    Object.values(source.spaces()).flatMap(({ waitingRoom }) =>
      Object.entries(waitingRoom?.lines ?? {}).flatMap(([line, figures]) =>
        read(figures).map((sample) => ({ ...sample, labels: { line, ...sample.labels } })),
      ),
    ),
})

/** How lines stand, in a waiting room. */
export const waitingRoomMetrics: readonly StatusMetric[] = [
  ...Object.entries(gauges).map(([field, told]) =>
    metric('gauge', told, [], (line) => [
      { labels: {}, value: Number(line[field as keyof typeof gauges]) },
    ]),
  ),
  ...Object.entries(counters).map(([field, told]) =>
    metric('counter', told, [], (line) => [
      { labels: {}, value: line[field as keyof typeof counters] },
    ]),
  ),
  ...lanes.map(([field, ...told]) =>
    metric('counter', told, ['lane'], (line) =>
      line.lanes.map((lane) => ({ labels: { lane: lane.lane }, value: lane[field] })),
    ),
  ),
]
