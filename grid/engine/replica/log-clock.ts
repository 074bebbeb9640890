import type { Clock } from '../ports/clock.ts'

/** What was learned is good for one or two of these: monotonic clocks drift apart. */
const windowMs = 60_000
/** Share of the time by which a clock that is ahead goes slower until it is right. */
const slowdown = 0.1

/**
 * The log's time, kept by a monotonic clock, so that no wall clock decides anything: neither the
 * unit's nor, for as long as it is wrong, the log's. Every record whose own time and its sender's
 * agree shows what the log's time was; that it came late only makes it seem earlier, so the latest
 * that the last two windows have shown is right. Never runs backwards: what turns out to be ahead
 * goes slower for a while.
 */
export class LogClock {
  readonly #clock: Clock
  /** Log time less monotonic time: what is in force, and since when it has been going slower. */
  #offset = Number.NEGATIVE_INFINITY
  #heldAt = 0
  /** The same, as this window and the one before it have shown it. */
  #shown = Number.NEGATIVE_INFINITY
  #shownBefore = Number.NEGATIVE_INFINITY
  #windowAt = Number.NEGATIVE_INFINITY
  #reached = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it knows anything of the log's time; before that there is none. */
  get isSet(): boolean {
    return this.#offset !== Number.NEGATIVE_INFINITY
  }

  /**
   * Whole ms since the epoch, at this moment or at one that has just been. Before the log has shown
   * its time that of the machine, which then decides nothing.
   */
  now(monotonic = this.#clock.monotonic()): number {
    if (!this.isSet) return Math.max(this.#clock.now(), this.#reached)
    return Math.max(this.#reached, Math.floor(this.#hold(monotonic) + monotonic))
  }

  /** The time to which it is on its way: `now()` unless it is ahead. */
  get heading(): number {
    const shown = Math.max(this.#shown, this.#shownBefore)
    return shown === Number.NEGATIVE_INFINITY ? this.now() : shown + this.#clock.monotonic()
  }

  /** A record's time, which agrees with that of its sender, when the record has just come. */
  learn(time: number): void {
    const monotonic = this.#clock.monotonic()
    this.#hold(monotonic)
    if (monotonic - this.#windowAt >= windowMs) {
      this.#shownBefore = this.#shown
      this.#shown = Number.NEGATIVE_INFINITY
      this.#windowAt = monotonic
    }
    this.#shown = Math.max(this.#shown, time - monotonic)
    this.#offset = Math.max(this.#offset, this.#shown)
  }

  /** The log's time has certainly come so far, whoever says it. */
  reach(time: number): void {
    this.#reached = Math.max(this.#reached, time)
    const monotonic = this.#clock.monotonic()
    this.#offset = Math.max(this.#hold(monotonic), time - monotonic)
  }

  #hold(monotonic: number): number {
    const shown = Math.max(this.#shown, this.#shownBefore)
    if (this.#offset > shown && shown !== Number.NEGATIVE_INFINITY)
      this.#offset = Math.max(shown, this.#offset - slowdown * (monotonic - this.#heldAt))
    this.#heldAt = monotonic
    return this.#offset
  }
}
