import { Counter, Gauge, type Registry } from 'prom-client'
import type { LineStatus } from '../request/waiting-room-status.ts'
import type { StatusSource } from './status-source.ts'

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

/** How lines stand, in a waiting room. */
export function addWaitingRoomMetrics(registry: Registry, source: StatusSource): void {
  const shared = { labelNames: ['line'], registers: [registry] }
  const all = () =>
    Object.values(source.spaces()).flatMap(({ waitingRoom }) =>
      waitingRoom ? Object.entries(waitingRoom.lines) : [],
    )
  for (const [field, [name, help]] of Object.entries(gauges))
    new Gauge({
      ...{ name, help, ...shared },
      collect() {
        this.reset()
        for (const [line, figures] of all())
          this.set({ line }, Number(figures[field as keyof typeof gauges]))
      },
    })
  for (const [field, [name, help]] of Object.entries(counters))
    new Counter({
      ...{ name, help, ...shared },
      collect() {
        this.reset()
        for (const [line, figures] of all())
          this.inc({ line }, figures[field as keyof typeof counters])
      },
    })
  for (const [field, name, help] of [
    ['given', 'spacegrid_line_places_given_total', 'Places given'],
    ['admitted', 'spacegrid_line_places_admitted_total', 'Places whose turn has come'],
  ] as const)
    new Counter({
      ...{ name, help, labelNames: ['line', 'lane'], registers: [registry] },
      collect() {
        this.reset()
        for (const [line, { lanes }] of all())
          for (const lane of lanes) this.inc({ line, lane: lane.lane }, lane[field])
      },
    })
}
