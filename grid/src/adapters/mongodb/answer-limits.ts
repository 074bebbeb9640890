import type { MongoClient } from 'mongodb'
import { GridError } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'

/** Twice what MongoDB gives a transaction: whatever takes longer does not come to a good end. */
const answerMsMax = 120_000

/** What was asked may still happen, or have happened. */
export class Unanswered extends GridError {
  constructor(message: string) {
    super('store_unavailable', message)
  }
}

interface Waiting {
  readonly since: number
  readonly giveUp: (reason: string) => void
}

/**
 * Ends the wait for an answer that can no longer be expected. The driver itself may wait for ever: a command that it writes to a socket in
 * the very moment in which that is being closed is neither sent nor failed (docs/decisions/0012). Whether MongoDB has done what was asked
 * is not known then, as with any lost connection.
 */
export class AnswerLimits {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()

  /** `graceMs`: within this time whatever was under way when connections were lost should have been answered, or failed. */
  constructor(client: MongoClient, clock: Clock, graceMs: number) {
    this.#clock = clock
    client.on('connectionPoolCleared', () => {
      const lostAt = clock.monotonic()
      clock.after(graceMs, () => this.#giveUpOn(lostAt, graceMs))
    })
  }

  /** @throws Unanswered */
  async within<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const giveUp = (reason: string) => reject(new Unanswered(`${doing}: ${reason}`))
    const waiting = { since: this.#clock.monotonic(), giveUp }
    const timer = this.#clock.after(answerMsMax, () =>
      giveUp(`MongoDB has not answered within ${answerMsMax} ms`),
    )
    this.#waiting.add(waiting)
    try {
      return await Promise.race([work(), promise])
    } finally {
      timer.cancel()
      this.#waiting.delete(waiting)
    }
  }

  #giveUpOn(lostAt: number, graceMs: number): void {
    for (const { since, giveUp } of this.#waiting)
      if (since <= lostAt)
        giveUp(`MongoDB has not answered within ${graceMs} ms since connections to it were lost`)
  }
}
