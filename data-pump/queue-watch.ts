import { WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import { outOfOrder } from '@spacegrid/grid/engine/changes/window-feed'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogTail } from '@spacegrid/grid/engine/ports/log'
import type { WindowPart } from '@spacegrid/grid/engine/wire/window-codec'

export interface QueueWatcher {
  /** Another pump has published a whole window. */
  published(window: Pick<WindowPart, 'from' | 'to' | 'digest' | 'logIdentity'>): void
  broken(error: Error): void
}

/**
 * A standby's eye on the change queue: what the active pump publishes, and when it published last.
 */
export class QueueWatch {
  readonly #tail: LogTail
  readonly #assembler = new WindowAssembler()
  #last: number
  #heardAt: number
  #connected = false

  constructor(changes: Log, clock: Clock, after: number, watcher: QueueWatcher) {
    this.#last = after
    this.#heardAt = clock.monotonic()
    this.#tail = changes.tail(after, {
      record: ({ position, data }) => {
        if (position !== this.#last + 1) {
          watcher.broken(outOfOrder(this.#last, position))
          return
        }
        this.#last = position
        this.#heardAt = clock.monotonic()
        try {
          const window = this.#assembler.add(position, data)
          if (window) watcher.published(window)
        } catch (error) {
          watcher.broken(error as Error)
        }
      },
      connected: (connected) => {
        // Whatever was published meanwhile is about to come.
        this.#heardAt = clock.monotonic()
        this.#connected = connected
      },
      broken: (error) => watcher.broken(error),
    })
  }

  /** Queue position of the last record. */
  get last(): number {
    return this.#last
  }

  /** When something was published last, in `monotonic()` time. */
  get heardAt(): number {
    return this.#heardAt
  }

  get connected(): boolean {
    return this.#connected
  }

  async stop(): Promise<void> {
    await this.#tail.stop()
  }
}
