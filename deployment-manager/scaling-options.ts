import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Cell } from '@spacegrid/grid/engine/ports/cell'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { NamedSpace } from '@spacegrid/grid/program/named-spaces'
import type { DeciderSettings } from './decide/decider.ts'
import type { Driver } from './drivers/driver.ts'

/** What a manager works with; all of it is closed by whoever made it. */
export interface ScalingPorts {
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Who may work. */
  readonly lease: Cell
  /** What was decided, and what it has cost. */
  readonly journal: Cell
  readonly driver: Driver
  /** Processor cores of this machine that had nothing to do since it was asked last. */
  readonly idleCores: () => number | undefined
}

export interface ScalingOptions extends DeciderSettings {
  /** Spaces that the units serve. */
  readonly spaces: readonly NamedSpace[]
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}
