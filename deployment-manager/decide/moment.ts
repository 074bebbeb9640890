import type { LogName } from '@spacegrid/grid/core/log-name'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import type { NamedSpace } from '@spacegrid/grid/program/named-spaces'

/** How one log fares in one unit, over about the last second. */
export interface LogSignals extends Omit<LogLoad, 'partition' | 'answered' | 'shed'> {
  readonly logName: LogName
  readonly space: string
  readonly answeredPerSecond: number
  readonly shedPerSecond: number
}

export interface UnitSignals {
  readonly name: string
  /** Part of the time in which its event loop has worked, 0 to 1. */
  readonly busy: number
  readonly full: boolean
  readonly logs: readonly LogSignals[]
}

/** All that is known at one moment of the units of a grid. */
export interface Moment {
  /** Monotonic ms. */
  readonly at: number
  /** ms since the epoch: what a schedule goes by. */
  readonly now: number
  readonly spaces: readonly NamedSpace[]
  /** Units that there are to be, as the driver was told last. */
  readonly wanted: number
  /** Units that run, and are on their way into service. */
  readonly starting: number
  /** Units that stand by warm, and serve as soon as they are called up. */
  readonly spares: number
  /** Units that run and serve, whether they answer or not. */
  readonly ready: number
  /** Those of them that have said how they fare. */
  readonly units: readonly UnitSignals[]
  /** Processor cores with nothing to do where new units would run; undefined: not known. */
  readonly idleCores: number | undefined
  /** Round trip of a bare message through NATS, ms; undefined: not known. */
  readonly natsTripMs: number | undefined
}

export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

/** Of the space that is divided most; 1: none is. */
export const partitionsMost = ({ spaces }: Pick<Moment, 'spaces'>): number =>
  Math.max(...spaces.map(({ partitions }) => partitions))

export const offeredTo = ({ logs }: UnitSignals): number =>
  sum(logs, ({ answeredPerSecond, shedPerSecond }) => answeredPerSecond + shedPerSecond)

export const answeredBy = ({ logs }: UnitSignals): number =>
  sum(logs, ({ answeredPerSecond }) => answeredPerSecond)

export const shedBy = ({ logs }: UnitSignals): number =>
  sum(logs, ({ shedPerSecond }) => shedPerSecond)
