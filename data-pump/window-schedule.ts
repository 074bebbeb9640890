import type { Clock } from '@spacegrid/grid/ports/clock'
import type { PumpSettings } from './pump-options.ts'

/** So many changes make the mean size of one: small windows, mostly header, say little about it. */
const changesOfMean = 256

/**
 * Decides when a window is closed: soon after its first change while publishing is quick, later when it is slow (so that publishing never takes more
 * than about a third of the time), and at once when it is large. A window without changes waits longest: it only shows that the pump lives.
 */
export class WindowSchedule {
  readonly #clock: Clock
  readonly #settings: PumpSettings
  #movedAt: number | undefined
  #changedAt: number | undefined
  #publicationMs = 0
  #bytesPerChange = 0

  constructor(clock: Clock, settings: PumpSettings) {
    this.#clock = clock
    this.#settings = settings
  }

  /** Changes and events at which a window is closed. */
  get sizeMax(): number {
    const { windowChangesMax, windowBytesMax } = this.#settings
    return Math.max(1, Math.min(windowChangesMax, windowBytesMax / this.#bytesPerChange))
  }

  /** When the log first moved beyond what has been published, in `monotonic()` time; undefined: it has not. */
  get movedAt(): number | undefined {
    return this.#movedAt
  }

  /** The log is beyond what has been published, with so many changes. Returns whether that makes the window due at another time. */
  moved(size: number): boolean {
    const isNews = this.#movedAt === undefined || (this.#changedAt === undefined && size > 0)
    const now = this.#clock.monotonic()
    this.#movedAt ??= now
    if (size > 0) this.#changedAt ??= now
    return isNews || size >= this.sizeMax
  }

  /** A new window begins. */
  begin(): void {
    this.#movedAt = undefined
    this.#changedAt = undefined
  }

  published(tookMs: number, bytes: number, size: number): void {
    this.#publicationMs = tookMs
    if (size === 0) return
    const weight = Math.min(1, size / changesOfMean)
    this.#bytesPerChange += (bytes / size - this.#bytesPerChange) * weight
  }

  /** Until the window is to be closed; undefined while there is nothing to publish. */
  dueInMs(size: number): number | undefined {
    if (this.#movedAt === undefined) return undefined
    if (size >= this.sizeMax) return 0
    const { windowMsMin, windowMsMax, emptyWindowMs } = this.#settings
    const windowMs = Math.min(windowMsMax, Math.max(windowMsMin, 2 * this.#publicationMs))
    const due =
      this.#changedAt === undefined ? this.#movedAt + emptyWindowMs : this.#changedAt + windowMs
    return due - this.#clock.monotonic()
  }
}
