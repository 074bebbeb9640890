import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { EventStream } from '@spacegrid/grid/engine/ports/event-stream'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'

/** What a pump works with; all of it is closed by whoever made it. */
export interface PumpPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** The warm image; none when it is left out. */
  readonly image?: Store
  /** Snapshots for those who ask for the past; left out: none are kept. */
  readonly past?: Log
  /** Where domain events are published for other services; nowhere when it is left out. */
  readonly events?: EventStream
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Told what it measures; nobody is when it is left out. */
  readonly telemetry?: Telemetry
  /** Told of single windows; nobody is when it is left out. */
  readonly tracing?: Tracing | undefined
}

export interface PumpSettings {
  /**
   * A window is closed this long after its first change, when publishing is quick. Default 3 ms.
   */
  readonly windowMsMin: number
  /**
   * It stays open for twice as long as the publication before took, but not longer than this.
   * Default 50 ms.
   */
  readonly windowMsMax: number
  /**
   * The log has moved but nothing has changed: published after this time, so that others see the
   * pump live. Default 200 ms.
   */
  readonly emptyWindowMs: number
  /**
   * Changes and events of one window; beyond, it is closed. At twice as many melding waits until it
   * has been published. Default 20,000.
   */
  readonly windowChangesMax: number
  /** Bytes of one window; beyond, it is closed. At twice as many melding waits. Default 8 MiB. */
  readonly windowBytesMax: number
  /**
   * Bytes of published windows that wait for the warm image; beyond, it gets them from the change
   * queue later. Default 32 MiB.
   */
  readonly imageBytesMax: number
  /** Bytes of windows merged into one step of the warm image. Default 4 MiB. */
  readonly imageBatchBytesMax: number
  /** How long the past can be asked for, ms of log time. Default 600,000. */
  readonly pastMs: number
  /**
   * What log and kept snapshots may take together for the past, bytes; beyond, it gets shorter.
   * Default 1 GiB.
   */
  readonly pastBytesMax: number
  /** Bytes of changes that wait while a snapshot of the pump is read. Default 256 MiB. */
  readonly snapshotBytesMax: number
  /**
   * A standby takes over when nothing has been published for this long although the log has moved.
   * Default 800 ms.
   */
  readonly takeoverMs: number
  /**
   * Entries written in one step when the warm image is built anew: a few milliseconds' work for the
   * pump and for Redis. Default 1,000.
   */
  readonly imageEntriesMax: number
  /**
   * How often the digest and a sample of entries are told, for the units to compare with. Default
   * 1,000 ms. 0: never, and nothing is compared.
   */
  readonly auditMs: number
  /** Entries of one sample. Default 200. 0: values are not compared, digests are. */
  readonly auditEntries: number
}

export interface PumpOptions extends Partial<PumpSettings> {
  /** Unique in the grid, for people. Default: `data-pump`. */
  readonly name?: string
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

export const defaultPumpSettings: PumpSettings = {
  windowMsMin: 3,
  windowMsMax: 50,
  emptyWindowMs: 200,
  windowChangesMax: 20_000,
  windowBytesMax: 8 * 1024 * 1024,
  imageBytesMax: 32 * 1024 * 1024,
  imageBatchBytesMax: 4 * 1024 * 1024,
  pastMs: 600_000,
  pastBytesMax: 1024 ** 3,
  snapshotBytesMax: 256 * 1024 * 1024,
  takeoverMs: 800,
  imageEntriesMax: 1000,
  auditMs: 1000,
  auditEntries: 200,
}
