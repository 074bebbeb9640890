import type { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { Space } from '@spacegrid/grid/core/definition'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { Outbox } from '@spacegrid/grid/core/outbox'
import type { Place } from '@spacegrid/grid/core/place'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { LogClock } from '@spacegrid/grid/engine/replica/log-clock'
import type { ArchiveDesk } from './archive/archive-desk.ts'
import type { FaultDesk } from './fault-desk.ts'
import type { FrameChain } from './frame-chain.ts'
import type { LoadControl } from './overload/load-control.ts'

/** What commands are run with, in one life of a unit. */
export interface RunnerParts {
  readonly space: Space
  readonly state: SpaceState
  readonly chain: FrameChain
  readonly clock: Clock
  readonly time: LogClock
  readonly random: Random
  readonly faults: FaultDesk
  readonly version: Compatibility
  /** Knows what has left memory. */
  readonly archive: ArchiveDesk
  /** Where what follows from events is written down; undefined: nothing does. */
  readonly outbox: Outbox | undefined
  /** The partition, of a space with several. */
  readonly place: Place | undefined
  /** Whether there is room in every process of the space. */
  readonly memory: MemoryWatch | undefined
  /** Whether what comes through doors is taken. */
  readonly load: LoadControl
  /** Why commands have no chance just now. */
  readonly unfit: () => GridError | undefined
}
