import type { PlacementStatus, QueryPlacement } from '../../engine/placement/placement-status.ts'
import { type MetricKind, ofEachPlacement, type StatusMetric } from './status-metric.ts'

const gauge: MetricKind = { type: 'gauge', roles: ['processing-unit', 'query-unit'] }

type Figures<Placement> = Readonly<
  Record<string, readonly [help: string, of: (placement: Placement) => number]>
>

const gauges: Figures<PlacementStatus> = {
  spacegrid_placement_members: [
    'Processing units of a divided space that this one hears of, itself included',
    ({ members }) => members.length,
  ],
  spacegrid_placement_moving: [
    'Copies of partitions that are on their way into the memory of a unit',
    ({ moving }) => moving,
  ],
  spacegrid_placement_scarce_partitions: [
    'Partitions of which fewer copies are ready than there should be',
    ({ scarce }) => scarce.length,
  ],
  spacegrid_placement_homeless_partitions: [
    'Partitions that no unit keeps ready: what is asked of them fails',
    ({ homes }) => homes.filter((home) => home === null).length,
  ],
  spacegrid_placement_missing_copies: [
    'Copies that no unit has room for: the grid wants more units',
    ({ missing }) => missing,
  ],
  spacegrid_placement_full_members: [
    'Units that take over nothing more, for their memory is near its budget',
    ({ members }) => members.filter(({ full }) => full).length,
  ],
}

/** The same of units that only answer queries; there where there are any. */
const queryGauges: Figures<QueryPlacement> = {
  spacegrid_placement_query_members: [
    'Query units of a divided space that this process hears of',
    ({ members }) => members.length,
  ],
  spacegrid_placement_query_moving: [
    'Copies of partitions that are on their way into the memory of a query unit',
    ({ moving }) => moving,
  ],
  spacegrid_placement_query_scarce_partitions: [
    'Partitions of which query units have fewer copies ready than there should be',
    ({ scarce }) => scarce.length,
  ],
  spacegrid_placement_query_missing_copies: [
    'Copies that no query unit has room for: queries want more query units',
    ({ missing }) => missing,
  ],
}

/** Who keeps what of divided spaces, as this process sees it. */
export const placementMetrics: readonly StatusMetric[] = [
  ...Object.entries(gauges).map(([name, [help, of]]) => ofEachPlacement(gauge, name, help, of)),
  ...Object.entries(queryGauges).map(([name, [help, of]]) =>
    ofEachPlacement(gauge, name, help, ({ queryUnits }) => queryUnits && of(queryUnits)),
  ),
  {
    name: 'spacegrid_placement_copies',
    help: 'Copies of each partition that are ready',
    ...gauge,
    labels: ['space', 'partition'],
    read: ({ placement }) =>
      Object.entries(placement?.() ?? {}).flatMap(([space, { partitions, members }]) =>
        Array.from({ length: partitions }, (_, partition) => ({
          labels: { space, partition: String(partition) },
          value: members.filter((member) => member.ready.includes(partition)).length,
        })),
      ),
  },
]
