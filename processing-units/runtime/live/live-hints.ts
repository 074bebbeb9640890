import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** How often it is said, ms. */
const tellMs = 5000
/** Caches named in one hint, at most; what is longer than a hint can be is not read. */
const cachesMax = 256

/**
 * Tells the other units of a log that somebody follows it here, and which caches, so that they
 * remember what happens too: whoever loses this unit goes on with any other. A hint that is lost
 * costs those who come back a reset at worst.
 */
export class LiveHints {
  readonly #logName: LogName
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #wanted: () => readonly string[] | undefined
  readonly #heard: (caches: readonly string[]) => void
  #subscription: Subscription | undefined
  #timer: Timer | undefined
  #told: string | undefined

  /**
   * @param wanted caches that are followed here; undefined: nothing is
   * @param heard somebody elsewhere follows these
   */
  constructor(
    logName: LogName,
    messaging: Messaging,
    clock: Clock,
    wanted: () => readonly string[] | undefined,
    heard: (caches: readonly string[]) => void,
  ) {
    this.#logName = logName
    this.#messaging = messaging
    this.#clock = clock
    this.#wanted = wanted
    this.#heard = heard
  }

  start(): void {
    this.#subscription = this.#messaging.subscribe(subjects.live(this.#logName), ({ data }) => {
      const caches = cachesIn(data)
      if (caches) this.#heard(caches)
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#subscription?.stop()
  }

  /** Somebody follows here: it is said at once if it is news, and again while it stays so. */
  tell(): void {
    const caches = this.#wanted()
    if (!caches) return
    const text = JSON.stringify(caches.slice(0, cachesMax))
    if (text === this.#told && this.#timer) return
    this.#told = text
    this.#messaging.publish(subjects.live(this.#logName), Buffer.from(text))
    this.#timer?.cancel()
    this.#timer = this.#clock.after(tellMs, () => {
      this.#timer = undefined
      this.tell()
    })
  }
}

/** undefined: it is no hint. */
export function cachesIn(data: Uint8Array): readonly string[] | undefined {
  try {
    const caches: unknown = JSON.parse(Buffer.from(data).toString())
    const isHint = Array.isArray(caches) && caches.length <= cachesMax
    return isHint ? caches.filter((name) => typeof name === 'string') : undefined
  } catch {
    return undefined
  }
}
