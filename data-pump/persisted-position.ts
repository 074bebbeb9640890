import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { decodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** A writer tells its position every second: what is older may be out of date. */
const freshMs = 2500

/**
 * Where the store is, as the data writers tell it. A standby may not know of the newest checkpoint
 * yet, so the highest position counts, as long as somebody tells it.
 */
export class PersistedPosition {
  readonly #clock: Clock
  readonly #subscription: Subscription
  #position = 0
  #heardAt = Number.NEGATIVE_INFINITY

  constructor(logName: LogName, messaging: Messaging, clock: Clock) {
    this.#clock = clock
    this.#subscription = messaging.subscribe(subjects.persisted(logName), ({ data }) => {
      const position = decodePersisted(data)
      if (position < this.#position && this.fresh() !== undefined) return
      this.#position = position
      this.#heardAt = clock.monotonic()
    })
  }

  /** undefined when no writer has told it lately. */
  fresh(): number | undefined {
    return this.#clock.monotonic() - this.#heardAt <= freshMs ? this.#position : undefined
  }

  async stop(): Promise<void> {
    await this.#subscription.stop()
  }
}
