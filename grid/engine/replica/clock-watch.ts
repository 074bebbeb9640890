import { clockJumpMsMax, clockSilentMsMax } from '../../core/limits.ts'
import { clocksAgree } from '../../core/record-time.ts'
import type { Clock } from '../ports/clock.ts'
import { LogClock } from './log-clock.ts'
import type { Replica } from './replica.ts'

/** What is wrong for longer is told again this often. */
const repeatMs = 60_000
/**
 * For so long the log's and the machine's clock have to agree against the time kept here, before it
 * is doubted.
 */
const patienceMs = 5 * 60_000
/**
 * The same before the log has borne out the time kept here even once: then most likely the first
 * record came late.
 */
const firstPatienceMs = 5_000

/** How the clocks around a replica are, at `/status`. */
export interface ClockStatus {
  /** How far the machine's clock is ahead of the log's time, ms. */
  readonly differenceMs: number
  /** Records whose time and whose sender's did not agree. */
  readonly jumps: number
}

export type ClockReport = (message: string) => void

/**
 * Keeps the log's time for a component, through all its lives, and watches the clocks: tells when
 * records and their senders do not agree, and when the machine's clock is wrong. What is wrong is
 * told at once, and then once a minute.
 */
export class ClockWatch {
  readonly time: LogClock
  readonly #clock: Clock
  readonly #report: ClockReport
  #jumps = 0
  /** Of the records that have not been told yet. */
  #untold = 0
  #largest = { differenceMs: 0, unit: '', position: 0 }
  #jumpToldAt = Number.NEGATIVE_INFINITY
  #differenceToldAt = Number.NEGATIVE_INFINITY
  #borneOut = false
  #goesBySteps = false
  /** Since when the log's clock and the machine's have agreed that the time kept here is wrong. */
  #doubtedSince: number | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, report: ClockReport) {
    this.#clock = clock
    this.#report = report
    this.time = new LogClock(clock)
  }

  status(): ClockStatus {
    return { differenceMs: this.differenceMs, jumps: this.#jumps }
  }

  get differenceMs(): number {
    return this.time.isSet ? Math.round(this.#clock.now() - this.time.now()) : 0
  }

  /** Listens to a replica; whoever uses the time listens after it. */
  follow(replica: Replica): void {
    const { state } = replica
    // Queries are answered before the first record has come: late at most by what the log has been
    // silent for, whatever the machine says.
    if (state.time > 0) this.time.reach(state.time)
    /**
     * The record's time, and whether it is its sender's too; undefined when the record is none that
     * is melded.
     */
    let stamp: { readonly time: number; readonly agrees: boolean } | undefined
    replica.listen({
      melding: (frame, _, time) => {
        stamp = { time, agrees: clocksAgree(frame, time) }
      },
      contested: (differenceMs, unit) => this.#contested(differenceMs, unit, state.position),
      melded: () => {
        if (!stamp) return
        if (stamp.agrees) this.time.learn(stamp.time)
        this.time.reach(state.time)
        this.#weigh(stamp.time)
        stamp = undefined
      },
    })
  }

  /**
   * The time that a frame says. One that is more than a minute ahead of the log's is not believed
   * against the log's clock: where it is right, and after so long an outage it may be, it goes
   * there by steps.
   */
  says(reached: number): number {
    const now = this.time.now()
    return this.#goesBySteps ? Math.min(now, reached + clockSilentMsMax) : now
  }

  /**
   * A frame of its own, which said a time, was stored at another one; the log's has reached a
   * third. Returns whether it should be told again.
   */
  sent(at: number, time: number, reached: number): boolean {
    const isFar = this.time.now() - reached > clockSilentMsMax
    if (Math.abs(at - time) <= clockJumpMsMax) this.#borneOut = true
    // Two clocks say so: the one that is kept here, and the machine's.
    this.#goesBySteps = isFar && at > time && Math.abs(this.differenceMs) <= clockJumpMsMax
    return this.#goesBySteps
  }

  /** Whether the log's clock says something else than what is kept here. */
  contradicts(time: number): boolean {
    return this.time.isSet && Math.abs(time - this.time.now()) > clockJumpMsMax
  }

  /**
   * Whether the log should hear what the machine's clock says: it agrees with the log's own, and
   * both contradict what is kept here.
   */
  get mustTell(): boolean {
    const monotonic = this.#clock.monotonic()
    if (this.#doubtedSince === undefined || monotonic - this.#askedAt < repeatMs) return false
    if (monotonic - this.#doubtedSince < (this.#borneOut ? patienceMs : firstPatienceMs))
      return false
    this.#askedAt = monotonic
    return true
  }

  /** Called often. */
  tick(): void {
    this.#tellJumps()
    const { differenceMs } = this
    if (Math.abs(differenceMs) <= clockJumpMsMax || !this.#isDue(this.#differenceToldAt)) return
    this.#differenceToldAt = this.#clock.monotonic()
    this.#report(
      `the clock of this machine is ${seconds(differenceMs)} the log's time: set right whichever is wrong`,
    )
  }

  #contested(differenceMs: number, unit: string, position: number): void {
    this.#jumps++
    this.#untold++
    if (Math.abs(differenceMs) > Math.abs(this.#largest.differenceMs))
      this.#largest = { differenceMs, unit, position }
  }

  #tellJumps(): void {
    if (this.#untold === 0 || !this.#isDue(this.#jumpToldAt)) return
    const { differenceMs, unit, position } = this.#largest
    const count = this.#untold === 1 ? 'a record' : `${this.#untold} records`
    this.#report(
      `the time of ${count} does not agree with that of its sender; the log's clock was ${seconds(differenceMs)} the time of ${unit} at position ${position}`,
    )
    this.#jumpToldAt = this.#clock.monotonic()
    this.#untold = 0
    this.#largest = { differenceMs: 0, unit: '', position: 0 }
  }

  #weigh(time: number): void {
    const agree = Math.abs(time - this.#clock.now()) <= clockJumpMsMax
    const contradict = Math.abs(time - this.time.heading) > clockJumpMsMax
    if (agree && contradict) this.#doubtedSince ??= this.#clock.monotonic()
    else this.#doubtedSince = undefined
  }

  #isDue(toldAt: number): boolean {
    return this.#clock.monotonic() - toldAt >= repeatMs
  }
}

const seconds = (ms: number): string =>
  `${(Math.abs(ms) / 1000).toFixed(1)} s ${ms < 0 ? 'behind' : 'ahead of'}`
