import type { Component, ComponentStatus, Report } from '@spacegrid/grid/component/component'
import { Lives } from '@spacegrid/grid/component/lives'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Messaging } from '@spacegrid/grid/ports/messaging'
import type { Store } from '@spacegrid/grid/ports/store'
import type { Readiness } from '@spacegrid/grid/unit/serving'
import { QuarantineWatch } from './quarantine-watch.ts'
import { WriterIncarnation } from './writer-incarnation.ts'

/** What a writer works with; all of it is closed by whoever made it. */
export interface WriterPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** Moved from checkpoint to checkpoint: MongoDB or the embedded store. */
  readonly store: Store
  readonly messaging: Messaging
  readonly clock: Clock
}

export interface WriterSettings {
  /** Log and change queue are trimmed to where the store was this long ago. Default 60,000 ms. 0: to where it is. */
  readonly trimDelayMs: number
  /** Bytes of windows merged into one transaction of the store; a larger window goes alone. Default 4 MiB. */
  readonly batchBytesMax: number
  /** A standby takes over when the store has stood still for this long while there is something to write. Default 800 ms. */
  readonly takeoverMs: number
}

export interface WriterOptions extends Partial<WriterSettings> {
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

const defaultSettings: WriterSettings = {
  trimDelayMs: 60_000,
  batchBytesMax: 4 * 1024 * 1024,
  takeoverMs: 800,
}

/**
 * Applies one space's change queue to the store, exactly once in effect: every step is one transaction of the store, guarded by the
 * checkpoint it starts from. architecture.md, invariant 6. So a second writer, one that was paused, or one whose last step's outcome is
 * unknown, can do no harm; after a crash the store's own checkpoint says where to go on.
 */
export class DataWriter implements Component {
  readonly #space: string
  readonly #ports: WriterPorts
  readonly #settings: WriterSettings
  readonly #report: Report
  readonly #lives: Lives
  readonly #quarantine: QuarantineWatch
  #incarnation: WriterIncarnation | undefined

  constructor(space: string, ports: WriterPorts, options: WriterOptions = {}) {
    const { report = () => undefined, ...settings } = options
    this.#space = space
    this.#ports = ports
    this.#settings = { ...defaultSettings, ...settings }
    this.#report = report
    this.#quarantine = new QuarantineWatch(space, ports.store, report)
    this.#lives = new Lives(ports.clock, report)
  }

  start(): void {
    this.#lives.start(async (life) => {
      const incarnation = new WriterIncarnation(
        this.#space,
        this.#ports,
        this.#settings,
        this.#report,
        this.#quarantine,
        life,
      )
      this.#incarnation = incarnation
      await incarnation.live()
    })
  }

  async stop(): Promise<void> {
    await this.#lives.stop()
  }

  readiness(): Readiness {
    const incarnation = this.#incarnation
    return this.#lives.readiness(() => (incarnation ? incarnation.unready() : 'starting'))
  }

  status(): ComponentStatus {
    const checkpoint = this.#incarnation?.checkpoint
    return {
      state: this.#incarnation?.state ?? 'starting',
      position: checkpoint?.position ?? 0,
      lag: this.#incarnation?.lag ?? 0,
      entries: checkpoint?.entries ?? 0,
      bytes: this.#incarnation?.waitingBytes ?? 0,
      quarantined: this.#quarantine.count,
      digest: checkpoint?.digest ?? '',
      digestPosition: checkpoint?.position ?? 0,
    }
  }
}
