import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'

/** What a writer works with; all of it is closed by whoever made it. */
export interface WriterPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** Moved from checkpoint to checkpoint: MongoDB or the embedded store. */
  readonly store: Store
  /** Snapshots that are kept for those who ask for the past: the log behind them stays too. */
  readonly past?: Log
  readonly messaging: Messaging
  readonly clock: Clock
  /** Told what it measures; nobody is when it is left out. */
  readonly telemetry?: Telemetry
  /** Told of single transactions of the store; nobody is when it is left out. */
  readonly tracing?: Tracing | undefined
}

export interface WriterSettings {
  /**
   * Log and change queue are trimmed to where the store was this long ago. Default 60,000 ms. 0: to
   * where it is.
   */
  readonly trimDelayMs: number
  /**
   * Bytes of windows merged into one transaction of the store; a larger window goes alone. Default
   * 4 MiB.
   */
  readonly batchBytesMax: number
  /** Bytes of windows that have been read from the change queue and wait. Default 32 MiB. */
  readonly feedBytesMax: number
  /**
   * A standby takes over when the store has stood still for this long while there is something to
   * write. Default 800 ms.
   */
  readonly takeoverMs: number
}

export interface WriterOptions extends Partial<WriterSettings> {
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

export const defaultWriterSettings: WriterSettings = {
  trimDelayMs: 60_000,
  batchBytesMax: 4 * 1024 * 1024,
  feedBytesMax: 32 * 1024 * 1024,
  takeoverMs: 800,
}
