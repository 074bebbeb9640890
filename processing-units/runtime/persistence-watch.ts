import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { decodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/**
 * Follows how far the data writer has come, for callers who wait until their command is persisted.
 * A position that this unit has not come to itself does not count yet: it may be of the log that
 * has taken the place of a lost one, and then says nothing about commands of that.
 */
export class PersistenceWatch {
  readonly #clock: Clock
  readonly #waitMsMax: number
  readonly #reached: () => number
  readonly #subscription: Subscription
  readonly #waiting = new Set<(lost?: GridError) => void>()
  #position = 0

  /** `reached`: where this unit is in the log. */
  constructor(
    logName: LogName,
    messaging: Messaging,
    clock: Clock,
    waitMsMax: number,
    reached: () => number,
  ) {
    this.#clock = clock
    this.#waitMsMax = waitMsMax
    this.#reached = reached
    this.#subscription = messaging.subscribe(subjects.persisted(logName), ({ data }) => {
      const position = decodePersisted(data)
      // It is told again every second.
      if (position <= this.#position || position > this.#reached()) return
      this.#position = position
      for (const wake of [...this.#waiting]) wake()
    })
  }

  /** @throws GridError `persist_timeout` */
  async reach(position: number): Promise<void> {
    if (this.#position >= position) return
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        timer.cancel()
        this.#waiting.delete(wake)
      }
      const wake = (lost?: GridError) => {
        if (!lost && this.#position < position) return
        done()
        if (lost) reject(lost)
        else resolve()
      }
      const timer = this.#clock.after(this.#waitMsMax, () => {
        done()
        const message = `Committed at position ${position}, but not persisted yet`
        reject(new GridError('persist_timeout', message, { details: { position } }))
      })
      this.#waiting.add(wake)
    })
  }

  /**
   * Another log has taken the place of the one that was followed: whoever waits asks again, and
   * learns whether the command is in it.
   */
  logReplaced(): void {
    const message = 'The log has been replaced while the command was waiting to be persisted'
    for (const wake of [...this.#waiting]) wake(new GridError('outcome_unknown', message))
  }

  async stop(): Promise<void> {
    await this.#subscription.stop()
  }
}
