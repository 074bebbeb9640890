import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Store } from '@spacegrid/grid/engine/ports/store'

/** What a reader works with; all of it is closed by whoever made it. */
export interface ReaderPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** What the data writer keeps: MongoDB or the embedded store. */
  readonly store: Store
  /** The warm image; none when it is left out. */
  readonly image?: Store
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

export interface ReaderOptions {
  /**
   * How often every entry of the store is told to the replicas, for them to compare with. Default
   * 0: never.
   */
  readonly auditIntervalMs?: number
  /**
   * Entries of a warm image that are counted, at 100 bytes each; one that has more is not. Default
   * 10,000,000.
   */
  readonly countedEntriesMax?: number
  /**
   * Whether the store is shown to whoever reaches NATS, in JSON: not where callers are asked who
   * they are, for here nobody asks. Default true.
   */
  readonly isOpen?: boolean
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}
