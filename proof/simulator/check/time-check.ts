import type { Frame } from '@spacegrid/grid/core/frame'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { clockJumpMsMax } from '@spacegrid/grid/core/limits'
import { clocksAgree } from '@spacegrid/grid/core/record-time'
import type { LogRecord } from '@spacegrid/grid/engine/ports/log'
import { sealedFormat } from '@spacegrid/grid/engine/wire/seal'

/**
 * Oscillators here are wrong by up to three percent, and a log whose clock is wrong sets nobody
 * right.
 */
const driftMsMax = 5000
/**
 * A unit that stood still while it joined knows the time only from when it joined on, until it
 * hears of others.
 */
const lateMsMax = 15_000

/**
 * Knows what time it is, and holds the log's time and what handlers are given against that
 * (docs/guarantees.md): one clock alone may move time by no more than the bound, however wrong it
 * is. What two of them say is believed, and so is a clock that becomes wrong little by little.
 */
export class TimeCheck {
  readonly #now: () => number
  readonly #failed: (problem: string) => void
  /** How far ahead the log's time may be. */
  #aheadMs = 0
  /** A clock has been wrong by more than the bound: time may then be late. */
  wasWrong = false

  constructor(now: () => number, failed: (problem: string) => void) {
    this.#now = now
    this.#failed = failed
  }

  /**
   * A frame was stored at a time, and the log's time is now what it has reached. Only a frame of
   * the old format may say nothing of its sender's time.
   */
  logged(frame: Frame, { time, data }: Pick<LogRecord, 'time' | 'data'>, reached: number): void {
    if (frame.at !== undefined || sealedFormat(data) === undefined) this.#excuse(frame, time)
    this.#check('the log’s time', reached - this.#now())
  }

  #excuse(frame: Frame, time: number): void {
    const now = this.#now()
    const { kind } = frame
    const isKept = kind !== FrameKind.join && kind !== FrameKind.shape
    const said = (isKept ? time : joined(frame, time)) - now
    if (!isKept || said <= this.#aheadMs + clockJumpMsMax + driftMsMax)
      this.#aheadMs = Math.max(this.#aheadMs, said)
  }

  /** The time that a handler was given. */
  given(time: number): void {
    const aheadMs = time - this.#now()
    this.#check('a handler’s time', aheadMs)
    if (!this.wasWrong && aheadMs < -lateMsMax)
      this.#failed(`a handler’s time was ${-aheadMs} ms late`)
  }

  #check(what: string, aheadMs: number): void {
    if (aheadMs > this.#aheadMs + driftMsMax) this.#failed(`${what} was ${aheadMs} ms ahead`)
  }
}

/** Where two clocks agree, they are right; otherwise the earlier one may be. */
const joined = (frame: Frame, time: number): number =>
  clocksAgree(frame, time) ? time : Math.min(frame.at ?? time, time)
