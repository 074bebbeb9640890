import type { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import type { PastPorts } from '@spacegrid/grid/engine/past/past-states'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'
import type { QueryTurns } from './overload/query-turns.ts'
import type { PastRoom } from './past/past-room.ts'

/** What a unit works with; all of it is closed by whoever made it. */
export interface UnitPorts {
  readonly log: Log
  /**
   * Opens the change queue when it is needed: for domain events that somebody comes back for and
   * the unit does not remember. Left out: it does without.
   */
  readonly openChanges?: () => Promise<Log>
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Whether there is room in every process of the space. Left out: always. */
  readonly memory?: MemoryWatch
  /**
   * What the past is made of; opened when somebody asks for it. Left out: what the log itself still
   * has from its beginning.
   */
  readonly past?: () => Promise<PastPorts>
  /** For states of the past in its process. Left out: it has it for itself. */
  readonly pastRoom?: PastRoom
  /** Told what it measures. Left out: nobody is. */
  readonly telemetry?: Telemetry
  /** Told of single commands. Left out: nobody is. */
  readonly tracing?: Tracing
  /** Turns of its process's event loop. Left out: it has them for itself. */
  readonly queries?: QueryTurns
}
