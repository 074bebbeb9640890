import type { Component, ComponentStatus, Report } from '@spacegrid/grid/component/component'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Messaging } from '@spacegrid/grid/ports/messaging'
import type { Store } from '@spacegrid/grid/ports/store'
import type { Readiness } from '@spacegrid/grid/unit/serving'

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

export interface WriterOptions {
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

export class DataWriter implements Component {
  constructor(_space: string, _ports: WriterPorts, _options: WriterOptions = {}) {}

  start(): void {}

  async stop(): Promise<void> {}

  readiness(): Readiness {
    return { ready: false, reason: 'not written yet' }
  }

  status(): ComponentStatus {
    throw new Error('not written yet')
  }
}
