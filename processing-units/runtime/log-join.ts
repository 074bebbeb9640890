import { FrameKind } from '@spacegrid/grid/core/frame'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'

/** What a unit joins a log with. */
export interface LogJoinParts {
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** Name of the unit. */
  readonly unit: string
}

/**
 * How a unit becomes an origin: it appends a join with a nonce, and where the log holds that is
 * what the origin is called by all. Asked for again until it is seen there, for only that tells
 * whether it has worked.
 */
export class LogJoin {
  readonly #parts: LogJoinParts
  /** Pause before it is asked for again, ms. */
  readonly #pauseMs: number
  /** 0: it has not been asked for. */
  #nonce = 0
  #askedAt = 0

  constructor(parts: LogJoinParts, pauseMs: number) {
    this.#parts = parts
    this.#pauseMs = pauseMs
  }

  /** Asks for it, unless that was done just now. @param now monotonic ms */
  ask(now: number): void {
    if (now - this.#askedAt < this.#pauseMs) return
    this.#askedAt = now
    if (this.#nonce === 0) this.#nonce = this.#parts.random.integer()
    // Two joins by one nonce are two origins; the first one seen is used, the other stays silent
    // and is forgotten.
    this.#send(this.#nonce)
  }

  isOwn(nonce: number): boolean {
    return nonce === this.#nonce
  }

  /** The log knows the origin no more: what was asked for is not used. */
  forget(): void {
    this.#nonce = 0
    this.#askedAt = 0
  }

  /** At once, whatever was asked for just now: that has been forgotten. */
  askAnew(): void {
    this.ask(this.#parts.clock.monotonic() + this.#pauseMs)
  }

  /**
   * Says in the log what the machine's clock says: the join of an origin that nobody uses, and that
   * is forgotten like any other.
   */
  tellTime(): void {
    this.#send(this.#parts.random.integer())
  }

  #send(nonce: number): void {
    const { log, clock, unit } = this.#parts
    const frame = encodeFrame({ kind: FrameKind.join, unit, nonce, at: clock.now() })
    log.append(frame).catch(() => undefined) // Seen in the log or not: that alone tells whether it worked.
  }
}
