import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { Window } from '@spacegrid/grid/engine/wire/window-codec'
import type { PumpSettings } from './pump-options.ts'
import type { PumpStart } from './start-point.ts'
import type { StoreMender } from './store-mender.ts'
import { WindowCollector } from './window-collector.ts'
import { WindowSchedule } from './window-schedule.ts'

/** Corrections that are published with one window. */
const correctionsMax = 5000
/**
 * So much of that is theirs, whatever else there is to publish: under a steady load there would
 * never be room.
 */
const correctionsShare = 0.25

/**
 * What the next window is to hold, and when it is due: what the replica has melded since the last
 * one, and what the store has wrong. Holds the replica while there is more than two windows take:
 * the log keeps what is not melded yet.
 */
export class NextWindow {
  readonly #replica: Replica
  readonly #settings: PumpSettings
  readonly #collector: WindowCollector
  readonly #schedule: WindowSchedule
  /** It has to end behind this position. */
  readonly #wrongTo: number
  readonly #changed: () => void
  /** Corrections that it holds. */
  #corrections = 0
  #held: Promise<() => void> | undefined

  /** @param changed it may be due at another time than was said */
  constructor(
    replica: Replica,
    { from, wrongTo, corrections }: Pick<PumpStart, 'from' | 'wrongTo' | 'corrections'>,
    clock: Clock,
    settings: PumpSettings,
    changed: () => void,
  ) {
    this.#replica = replica
    this.#settings = settings
    this.#wrongTo = wrongTo
    this.#changed = changed
    this.#collector = new WindowCollector(from)
    this.#schedule = new WindowSchedule(clock, settings)
    for (const change of corrections) this.#collector.correct(change)
    const { state } = replica
    replica.listen({
      changed: ({ cache, key, value, version, archived }, before) => {
        const { name } = state.layout.cache(cache)
        const change = { cache: name, key, value, version, position: state.position }
        this.#collector.add(archived ? { ...change, value: before, archived } : change)
      },
      emitted: ({ name, payload }, transaction) => {
        const { position, time } = state
        this.#collector.emit({ name, payload, transaction, position, time })
      },
      melded: () => this.#melded(),
    })
  }

  /** The log position behind which it begins. */
  get from(): number {
    return this.#collector.from
  }

  /** Changes and events in it. */
  get size(): number {
    return this.#collector.size
  }

  /** Melding waits, because what it leaves could not be published yet. */
  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** What the replica has melded takes the place of a window that is wrong. */
  get isRight(): boolean {
    return this.#replica.state.position > this.#wrongTo
  }

  /** It has something, and the log has not come any further: it could not end behind `from`. */
  get waitsForLog(): boolean {
    return this.size > 0 && !this.#hasMoved
  }

  /**
   * When the log first moved beyond what has been published, in `monotonic()` time; undefined: it
   * has not.
   */
  get movedAt(): number | undefined {
    return this.#schedule.movedAt
  }

  /** undefined while there is nothing to publish. */
  get dueInMs(): number | undefined {
    return this.#schedule.dueInMs(this.#collector)
  }

  get #hasMoved(): boolean {
    return this.#replica.state.position > this.#collector.from
  }

  /**
   * Takes what the store has wrong, as far as there is room. What is right at the replica's
   * position is right at the end of the window, whatever the store has. Returns whether it has to
   * wait for the log to move.
   */
  correct(mender: StoreMender): boolean {
    if (!mender.isWaiting) return false
    const max = Math.min(this.#settings.windowChangesMax, correctionsMax)
    const share = Math.max(1, Math.floor(max * correctionsShare))
    const room = Math.max(share, max - this.#collector.size) - this.#corrections
    if (room < 1) return false
    const taken = mender.take(room)
    if (taken.length === 0) return false
    this.#corrections += taken.length
    for (const change of taken) this.#collector.correct(change)
    if (!this.#hasMoved) return true
    this.#schedule.moved(this.#collector)
    return false
  }

  /** The window up to the replica's position; another one begins behind it. */
  close(logIdentity: string): Window {
    const window = this.#collector.close(this.#replica.state, logIdentity)
    this.#corrections = 0
    this.#schedule.begin()
    return window
  }

  published(tookMs: number): void {
    this.#schedule.published(tookMs)
  }

  /** A window that was closed has not been published. */
  reopen(window: Window): void {
    this.#collector.reopen(window)
    this.#schedule.moved(this.#collector)
  }

  /** Another pump has published everything up to `position`. */
  forget(position: number): void {
    this.#collector.forget(position)
    this.#schedule.begin()
    if (this.#replica.state.position > position) this.#schedule.moved(this.#collector)
  }

  /** Lets the replica go on if there is room again. */
  async resume(): Promise<void> {
    if (!this.#held || this.#schedule.fill(this.#collector) >= 1) return
    const release = await this.#held
    this.#held = undefined
    release()
  }

  #melded(): void {
    if (!this.#hasMoved) return
    // Outcomes of one key take the place of each other, but there may be many keys, and events pile
    // up.
    if (this.#schedule.fill(this.#collector) >= 2 && this.isRight)
      this.#held ??= this.#replica.hold()
    if (this.#schedule.moved(this.#collector)) this.#changed()
  }
}
