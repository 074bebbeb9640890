import type { Component, ComponentStatus, Report } from '@spacegrid/grid/component/component'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Messaging } from '@spacegrid/grid/ports/messaging'
import type { Random } from '@spacegrid/grid/ports/random'
import type { Store } from '@spacegrid/grid/ports/store'
import type { Readiness } from '@spacegrid/grid/unit/serving'

/** What a pump works with; all of it is closed by whoever made it. */
export interface PumpPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** The warm image; none when it is left out. */
  readonly image?: Store
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

export interface PumpOptions {
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

export class DataPump implements Component {
  constructor(_space: string, _ports: PumpPorts, _options: PumpOptions = {}) {}

  start(): void {}

  async stop(): Promise<void> {}

  readiness(): Readiness {
    return { ready: false, reason: 'not written yet' }
  }

  status(): ComponentStatus {
    throw new Error('not written yet')
  }
}
