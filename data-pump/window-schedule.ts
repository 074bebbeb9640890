import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { PumpSettings } from './pump-options.ts'

/** What has been collected for a window. */
export interface Collected {
  /** Changes and events. */
  readonly size: number
  readonly bytes: number
}

/**
 * Decides when a window is closed: soon after its first change while publishing is quick, later
 * when it is slow (so that publishing never takes more than about a third of the time), and at once
 * when it is large. A window without changes waits longest: it only shows that the pump lives.
 */
export class WindowSchedule {
  readonly #clock: Clock
  readonly #settings: PumpSettings
  #movedAt: number | undefined
  #changedAt: number | undefined
  #publicationMs = 0

  constructor(clock: Clock, settings: PumpSettings) {
    this.#clock = clock
    this.#settings = settings
  }

  /** How many windows it would fill: at one a window is closed. */
  fill({ size, bytes }: Collected): number {
    const { windowChangesMax, windowBytesMax } = this.#settings
    return Math.max(size / windowChangesMax, bytes / windowBytesMax)
  }

  /**
   * When the log first moved beyond what has been published, in `monotonic()` time; undefined: it
   * has not.
   */
  get movedAt(): number | undefined {
    return this.#movedAt
  }

  /**
   * The log is beyond what has been published, with so much. Returns whether that makes the window
   * due at another time.
   */
  moved(collected: Collected): boolean {
    const { size } = collected
    const isNews = this.#movedAt === undefined || (this.#changedAt === undefined && size > 0)
    const now = this.#clock.monotonic()
    this.#movedAt ??= now
    if (size > 0) this.#changedAt ??= now
    return isNews || this.fill(collected) >= 1
  }

  /** A new window begins. */
  begin(): void {
    this.#movedAt = undefined
    this.#changedAt = undefined
  }

  published(tookMs: number): void {
    this.#publicationMs = tookMs
  }

  /** Until the window is to be closed; undefined while there is nothing to publish. */
  dueInMs(collected: Collected): number | undefined {
    if (this.#movedAt === undefined) return undefined
    if (this.fill(collected) >= 1) return 0
    const { windowMsMin, windowMsMax, emptyWindowMs } = this.#settings
    const windowMs = Math.min(windowMsMax, Math.max(windowMsMin, 2 * this.#publicationMs))
    const due =
      this.#changedAt === undefined ? this.#movedAt + emptyWindowMs : this.#changedAt + windowMs
    return due - this.#clock.monotonic()
  }
}
