import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { StoredChange } from '@spacegrid/grid/engine/ports/store'
import type { WindowPart } from '@spacegrid/grid/engine/wire/window-codec'

/** Where a data pump goes on. */
export interface PumpStart {
  /** An exact state, at or before `from`. */
  readonly state: SpaceState
  /** Identity of the log that continues it. */
  readonly logIdentity: string
  /** Time of the log's record at the state's position, where the log holds it. */
  readonly timeSeen?: number | undefined
  /** Where the next window begins. */
  readonly from: number
  /** The window that ends at `from`; undefined when the queue does not lead on from the store. */
  readonly newest: WindowPart | undefined
  /** Queue position of the queue's last record. */
  readonly last: number
  /** When it was stored, ms since the epoch, by the queue's clock. */
  readonly storedAt: number
  /**
   * A window to here is in the queue and is wrong: what is published first has to end behind it, to
   * take its place. 0: none.
   */
  readonly wrongTo: number
  /** What the store has wrong, to be published with the first window. */
  readonly corrections: readonly StoredChange[]
}
