import type { LineStatus } from '@spacegrid/grid/doors/request/waiting-room-status'
import type { ScalingStatus } from '@spacegrid/grid/engine/load/scaling-status'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'

/** What viewers are told, once a second at most. */
export interface Snapshot {
  /** Ms since the epoch, by the console's clock. */
  readonly at: number
  readonly processes: readonly ProcessView[]
  readonly spaces: readonly SpaceView[]
  readonly placement: readonly PlacementView[]
  readonly shed: readonly ShedView[]
  readonly hotKeys: readonly HotKeyView[]
  /** Of the deployment manager that works; null: there is none. */
  readonly scaling: ScalingView | null
  readonly lines: readonly LineView[]
  readonly alarms: readonly Alarm[]
  readonly point: Point
}

/** The last decisions come last. */
export type ScalingView = Pick<
  ScalingStatus,
  'driver' | 'wanted' | 'ready' | 'starting' | 'unitsMin' | 'unitsMax' | 'decisions'
>

/** A line of a waiting room. */
export interface LineView
  extends Pick<LineStatus, 'waiting' | 'inside' | 'insideLimit' | 'movedPerSecond' | 'isHeld'> {
  readonly space: string
  readonly line: string
}

/** One process of the grid; of an embedded grid, one of its parts. */
export interface ProcessView {
  readonly name: string
  readonly role: string
  /**
   * `silent`: it has been heard, and says nothing any more; `stopped`: whoever runs the units has
   * ended it, and can start it again.
   */
  readonly state: 'ready' | 'not-ready' | 'silent' | 'stopped'
  readonly reasons: readonly string[]
  readonly wishes: readonly string[]
  /** What it works for, by the names of the logs; the first ones. */
  readonly logs: readonly LogView[]
  /** How many there are. */
  readonly logCount: number
  readonly commandsPerSecond: number
  readonly queriesPerSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Commands without an outcome. */
  readonly pending: number
  readonly memoryBytes: number | null
  readonly memoryBudgetBytes: number | null
  readonly residentBytes: number | null
  /** Share of its time in which the event loop works, 0 to 1. */
  readonly loop: number | null
  readonly uptimeMs: number | null
}

export interface LogView {
  readonly log: string
  readonly position: number
  readonly lag: number
  /** `active`, `standby`, … of pump, writer and reader. */
  readonly state: string | null
}

/** A space from its users to the store. */
export interface SpaceView {
  readonly space: string
  readonly partitions: number
  readonly units: number
  readonly unitsReady: number
  readonly commandsPerSecond: number
  readonly queriesPerSecond: number
  /** Answers by what they were, per second. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly pending: number
  readonly queueingDelayMs: number
  readonly entries: number
  /** Estimated, of the values of one copy. */
  readonly bytes: number
  /** Last position of the log that anybody knows of; of a divided space of all logs together. */
  readonly position: number
  readonly recordsPerSecond: number
  readonly collisionsPerSecond: number
  /** Records of the log that the pump has not published yet. */
  readonly toPump: number
  /** Records that are published and not in the store yet. */
  readonly toWriter: number
  /** Changes that the pump has collected and not published. */
  readonly collecting: number
  readonly pump: RoleState
  readonly writer: RoleState
  /** Of the warm image; null: there is none. */
  readonly image: string | null
  /** Share of its room that the fullest log or change queue has taken; 0: nobody knows. */
  readonly logFilled: number
  readonly quarantined: number
  readonly deadLetters: number
  /** Connections that follow events and live queries. */
  readonly readers: number
}

/** `none`: nobody has been heard in this role. */
export type RoleState = 'ready' | 'not-ready' | 'none'

export interface PlacementView
  extends Pick<
    PlacementStatus,
    'partitions' | 'copies' | 'homes' | 'moving' | 'scarce' | 'missing'
  > {
  readonly space: string
  readonly members: readonly {
    readonly name: string
    readonly ready: readonly number[]
    readonly joining: readonly number[]
    readonly leaving: readonly number[]
  }[]
}

export interface ShedView {
  readonly space: string
  readonly reason: string
  readonly priority: string
  readonly perSecond: number
  /** Since the units that are there now were started. */
  readonly total: number
}

export interface HotKeyView {
  readonly space: string
  readonly key: string
  readonly collisionsPerSecond: number
  readonly commandsPerSecond: number
  /** The unit that its commands go to; null: each unit does its own. */
  readonly home: string | null
}

/** What the charts show of one moment, of all spaces together. */
export interface Point {
  readonly at: number
  readonly commands: number
  readonly queries: number
  readonly turnedAway: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly toPump: number
  readonly toWriter: number
  readonly collisions: number
  readonly units: number
}

/** Something that people should know of, and what they can do. */
export interface Alarm {
  /** Tells alarms apart, from one snapshot to the next. */
  readonly id: string
  /** `bad`: somebody has to do something; `warn`: it may become that. */
  readonly level: 'bad' | 'warn'
  /** What is so, in one sentence. */
  readonly text: string
  /** What to do, in one sentence. */
  readonly advice: string
  /** Page of the documentation, and the heading in it. */
  readonly doc: string
}
