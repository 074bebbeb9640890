import { Gauge, type Registry } from 'prom-client'
import type { PlacementStatus, QueryPlacement } from '../../engine/placement/placement-status.ts'
import type { StatusSource } from './status-source.ts'

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
export function addPlacementMetrics(registry: Registry, source: StatusSource): void {
  const registers = [registry]
  const all = () => Object.entries(source.placement?.() ?? {})
  addFigures(registers, gauges, all)
  addFigures(registers, queryGauges, () =>
    all().flatMap(([space, { queryUnits }]) => (queryUnits ? [[space, queryUnits]] : [])),
  )
  new Gauge({
    name: 'spacegrid_placement_copies',
    help: 'Copies of each partition that are ready',
    labelNames: ['space', 'partition'],
    registers,
    collect() {
      this.reset()
      for (const [space, { partitions, members }] of all())
        for (let partition = 0; partition < partitions; partition++) {
          const ready = members.filter((member) => member.ready.includes(partition)).length
          this.set({ space, partition: String(partition) }, ready)
        }
    },
  })
}

function addFigures<Placement>(
  registers: Registry[],
  figures: Figures<Placement>,
  all: () => readonly (readonly [space: string, placement: Placement])[],
): void {
  for (const [name, [help, of]] of Object.entries(figures))
    new Gauge({
      name,
      help,
      labelNames: ['space'],
      registers,
      collect() {
        this.reset()
        for (const [space, placement] of all()) this.set({ space }, of(placement))
      },
    })
}
