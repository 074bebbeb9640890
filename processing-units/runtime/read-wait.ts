import { GridError } from '@spacegrid/grid/core/errors'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { positionInvalid } from '@spacegrid/grid/doors/request/request-options'
import type { ReadOptions } from '@spacegrid/grid/doors/request/serving'
import { type Clock, inTime, within } from '@spacegrid/grid/engine/ports/clock'
import type { Freshness } from './freshness.ts'
import type { Incarnation } from './incarnation.ts'

export interface ReadWaitParts {
  readonly clock: Clock
  /** Time of the log. */
  readonly now: () => number
  /** @throws GridError `not_ready`, `stopping` */
  readonly serves: () => Incarnation
  /** How long a read waits for what it asks for. */
  readonly waitMsMax: number
}

/**
 * Lets a read wait until the replica is where it asks to be answered from: at a position, at
 * everything that was stored when it came, or at a state that is no older than it may be.
 */
export class ReadWait {
  readonly #parts: ReadWaitParts

  constructor(parts: ReadWaitParts) {
    this.#parts = parts
  }

  /** @throws GridError `position_timeout`, `too_stale`, `not_ready`, `stopping` */
  async at({ position, latest, stalenessMs }: ReadOptions): Promise<Incarnation> {
    const incarnation = this.#parts.serves()
    if (latest) {
      const newest = await this.#bounded(incarnation.newest(), 'the newest position')
      await this.#reach(incarnation, newest)
    }
    if (typeof position === 'string') throw positionInvalid()
    if (position !== undefined) await this.#reach(incarnation, position)
    if (stalenessMs !== undefined) await this.#noOlder(incarnation, stalenessMs)
    return incarnation
  }

  /**
   * How old a state is at most, ms. What a command across partitions holds here it may have written
   * elsewhere, and have answered, since it began.
   */
  ageMs({
    state,
    freshness: { at },
  }: {
    readonly state: SpaceState
    readonly freshness: Pick<Freshness, 'at'>
  }): number {
    const { clock, now } = this.#parts
    // Stands before a record that it cannot read: it has never come up to the end of the log.
    const isKnown = at !== Number.NEGATIVE_INFINITY
    let ageMs = isKnown ? clock.monotonic() - at : now() - state.time
    if (state.holds.size > 0)
      for (const { since } of state.holds.all()) ageMs = Math.max(ageMs, now() - since)
    return Math.max(0, ageMs)
  }

  /** What was prepared up to there has been finished, too. */
  async #reach(incarnation: Incarnation, position: number): Promise<void> {
    const { clock, waitMsMax } = this.#parts
    const { state, replica } = incarnation
    if (position > state.position) {
      const reached = await inTime(clock, waitMsMax, (over) => replica.reach(position, over))
      if (!reached)
        throw new GridError(
          'position_timeout',
          `Position ${position} has not been reached; the replica is at ${state.position}`,
          { details: { position: state.position }, retryAfterMs: 500 },
        )
    }
    await this.#settled(incarnation, position)
  }

  /** Brings a state that is older up to date, within the time that there is. */
  async #noOlder(incarnation: Incarnation, stalenessMs: number): Promise<void> {
    const { clock, waitMsMax } = this.#parts
    const { freshness, state } = incarnation
    const since = clock.monotonic() - stalenessMs
    if (freshness.at < since) {
      await inTime(clock, waitMsMax, (over) => freshness.reach(since, over))
      if (freshness.at < since) throw tooStale(this.ageMs(incarnation), stalenessMs)
    }
    if (state.holds.size > 0 && this.ageMs(incarnation) > stalenessMs)
      await this.#settled(incarnation, freshness.position)
  }

  /**
   * What was prepared by then may have been committed, and its caller answered, before it is
   * finished here: until it is, a state is none that has seen everything up to there.
   */
  async #settled({ state, runner }: Incarnation, position: number): Promise<void> {
    if (state.holds.size === 0) return
    const waiting = new AbortController()
    const settled = runner.waiters.settled(position, waiting.signal)
    try {
      await this.#bounded(settled, 'the end of what is held')
    } finally {
      waiting.abort()
    }
  }

  #bounded<T>(promise: Promise<T>, what: string): Promise<T> {
    const late = () =>
      new GridError('position_timeout', `${what} has not been reached in time`, {
        retryAfterMs: 500,
      })
    return within(this.#parts.clock, this.#parts.waitMsMax, promise, late)
  }
}

/** Whether a read has to wait for a state at all. */
export const waits = ({ latest, position, stalenessMs }: ReadOptions): boolean =>
  latest === true || position !== undefined || stalenessMs !== undefined

export const tooStale = (ageMs: number, stalenessMs: number): GridError =>
  new GridError(
    'too_stale',
    `The state is ${Math.ceil(ageMs)} ms old, more than ${stalenessMs}, and was not brought up to date in time`,
    { details: { ageMs: Math.ceil(ageMs), stalenessMs }, retryAfterMs: 500 },
  )
