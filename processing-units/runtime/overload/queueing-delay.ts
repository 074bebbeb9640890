import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { type Distribution, noTelemetry } from '@spacegrid/grid/engine/ports/telemetry'

const unobserved: Distribution = noTelemetry.distribution(
  { name: '', help: '', labels: [], bounds: [] },
  [],
)

/**
 * The least round trip is that of ten minutes or more: under load every one is longer.
 */
const tripWindowMs = 600_000

/**
 * How long what comes into a queue waits until it is taken out, measured on one item at a time: the
 * next that comes when the one before has been taken. So it costs each item a comparison, and a
 * look at the clock only as often as the queue is emptied. What waits for the event loop to get to
 * the queue is measured with it: the queue is emptied at the end of a turn, and the item may be the
 * turn's first.
 */
export class QueueingDelay {
  readonly #clock: Clock
  readonly #observed: Distribution
  /** Items taken so far. */
  #taken = 0
  /** Number of the item that is looked at; 0: none. */
  #looked = 0
  #since = 0
  #leastMs = Number.POSITIVE_INFINITY
  /** The least round trips of the present window and of the one before. */
  #tripMs = Number.POSITIVE_INFINITY
  #tripMsBefore = Number.POSITIVE_INFINITY
  #tripsUntil = 0
  #lastTripMs = 0

  /** @param observed told of each delay, in seconds */
  constructor(clock: Clock, observed = unobserved) {
    this.#clock = clock
    this.#observed = observed
  }

  /** @param length of the queue, with the item that has come */
  added(length: number): void {
    if (this.#looked !== 0) return
    this.#looked = this.#taken + length
    this.#since = this.#clock.monotonic()
  }

  taken(count: number): void {
    this.#taken += count
    if (this.#looked === 0 || this.#taken < this.#looked) return
    const ms = this.#clock.monotonic() - this.#since
    this.#looked = 0
    this.#leastMs = Math.min(this.#leastMs, ms)
    this.#observed.observe(ms / 1000)
  }

  /**
   * What has been sent at `sentAt` has come back. Who waits for a place in the log waits for others
   * to come back: the least of that is the log's own time, however little there is to do.
   */
  cameBack(sentAt: number): void {
    const now = this.#clock.monotonic()
    if (now >= this.#tripsUntil) {
      this.#tripsUntil = now + tripWindowMs
      this.#tripMsBefore = this.#tripMs
      this.#tripMs = Number.POSITIVE_INFINITY
    }
    this.#lastTripMs = now - sentAt
    this.#tripMs = Math.min(this.#tripMs, this.#lastTripMs)
  }

  /** What has come back last has taken so long. */
  get lastTripMs(): number {
    return this.#lastTripMs
  }

  get tripMs(): number {
    const least = Math.min(this.#tripMs, this.#tripMsBefore)
    return least === Number.POSITIVE_INFINITY ? 0 : least
  }

  /**
   * The least delay since this was asked last, ms: what waits however short the queue has been in
   * between. While nothing has been taken, how long the item that is looked at has waited so far; 0
   * when there is none.
   */
  standing(now: number): number {
    const least = this.#leastMs
    this.#leastMs = Number.POSITIVE_INFINITY
    if (least !== Number.POSITIVE_INFINITY) return least
    return this.#looked === 0 ? 0 : now - this.#since
  }
}
