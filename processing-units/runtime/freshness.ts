import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'

/**
 * An answer from a state that is no older than this counts as fresh, and does not say its age: a
 * unit looks at its log twice as often.
 */
export const freshMsMax = 1000

/** Answers of the log that the replica has not come up to yet; beyond, the oldest is forgotten. */
const awaitedMax = 128
/** Before a log that does not answer is asked again. */
const askAgainMs = 50

/** Where the log ended at some time. */
interface Seen {
  /** Monotonic ms at which it was asked: whatever was stored before is at `last` or below. */
  readonly askedAt: number
  readonly last: number
}

/**
 * How old a replica's state is, at most: the time since the log was asked for its end, of the last
 * time that the replica has come up to that end. The question's own time counts, not the answer's:
 * an answer that has lain unread in a frozen process makes nothing look newer. Nothing rests on the
 * clocks of others, nor on a wall clock that may jump; a log that cannot be reached, and a replica
 * that does not follow, let the age grow. What is not known makes it seem older, never newer.
 */
export class Freshness {
  readonly #replica: Replica
  readonly #clock: Clock
  readonly #bounds: () => Promise<LogBounds | undefined>
  /** The state has everything that was stored by then, monotonic ms. */
  #at = Number.NEGATIVE_INFINITY
  /** The end that was found then. */
  #position = 0
  /** Both grow from one to the next. */
  readonly #awaited: Seen[] = []
  #asking: Promise<void> | undefined

  /** @param bounds asks the log; undefined: it cannot be reached. Says `heard` when it could */
  constructor(replica: Replica, clock: Clock, bounds: () => Promise<LogBounds | undefined>) {
    this.#replica = replica
    this.#clock = clock
    this.#bounds = bounds
  }

  /** The log, asked at a time, has said where it ends. */
  heard(askedAt: number, last: number): void {
    const awaited = this.#awaited
    const newest = awaited.at(-1)
    // Answers may overtake each other.
    if (askedAt <= (newest?.askedAt ?? this.#at)) return
    if (newest?.last === last) awaited.pop()
    else if (awaited.length === awaitedMax) awaited.shift()
    awaited.push({ askedAt, last })
    this.#settle()
  }

  /** Monotonic ms since which something may have been stored that the state does not have. */
  get at(): number {
    if (this.#awaited.length > 0) this.#settle()
    return this.#at
  }

  /** The state has all that was stored before `at` by having come up to here. */
  get position(): number {
    return this.#position
  }

  /** Resolves when the state has everything that was stored at `since`, or when `signal` aborts. */
  async reach(since: number, signal: AbortSignal): Promise<void> {
    while (this.at < since && !signal.aborted) {
      const seen = this.#awaited.find(({ askedAt }) => askedAt >= since)
      if (seen) await this.#replica.reach(seen.last, signal)
      else await this.#ask(signal)
    }
  }

  /** One question at a time, whoever waits for it; whom it came too early for asks again. */
  async #ask(signal: AbortSignal): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined
    })
    const over = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => over.resolve(), { once: true })
    await Promise.race([this.#asking, over.promise])
  }

  async #askOnce(): Promise<void> {
    if (!(await this.#bounds())) await sleep(this.#clock, askAgainMs)
  }

  #settle(): void {
    const { position } = this.#replica.state
    for (;;) {
      const [next] = this.#awaited
      if (!next || next.last > position) return
      this.#awaited.shift()
      this.#at = next.askedAt
      this.#position = next.last
    }
  }
}
