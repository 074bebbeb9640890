import { GridError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Messaging, Subscription } from '../ports/messaging.ts'
import { decodePersisted } from '../records/persisted.ts'
import { subjects } from '../records/subjects.ts'

/** Follows how far the data writer has come, for callers who wait until their command is persisted. */
export class PersistenceWatch {
  readonly #clock: Clock
  readonly #waitMsMax: number
  readonly #subscription: Subscription
  readonly #waiting = new Set<() => void>()
  #position = 0

  constructor(space: string, messaging: Messaging, clock: Clock, waitMsMax: number) {
    this.#clock = clock
    this.#waitMsMax = waitMsMax
    this.#subscription = messaging.subscribe(subjects.persisted(space), ({ data }) => {
      const position = decodePersisted(data)
      if (position <= this.#position) return
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
      const wake = () => {
        if (this.#position < position) return
        done()
        resolve()
      }
      const timer = this.#clock.after(this.#waitMsMax, () => {
        done()
        const message = `Committed at position ${position}, but not persisted yet`
        reject(new GridError('persist_timeout', message, { details: { position } }))
      })
      this.#waiting.add(wake)
    })
  }

  async stop(): Promise<void> {
    await this.#subscription.stop()
  }
}
