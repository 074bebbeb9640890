import type { Clock } from '@spacegrid/grid/engine/ports/clock'

/** So long after it was answered a request may come once more. */
const repeatMsMax = 60_000
/** So many are remembered at most; beyond, the oldest are forgotten. */
const rememberedMax = 65_536

interface Answered<Answer> {
  readonly answer: Promise<Answer>
  readonly at: number
}

/**
 * A message may come twice (`Messaging`). What is to be done once is known by the number that its
 * sender gave it, and gets the first answer both times. An idempotency key, by which the log would
 * know it again, is not enough: what was refused at first would be done behind the refusal.
 */
export class Repeats<Answer> {
  readonly #clock: Clock
  readonly #answers = new Map<string, Answered<Answer>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  once(id: string, run: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(id)
    if (known) return known.answer
    this.#forgetOld()
    const answer = run()
    this.#answers.set(id, { answer, at: this.#clock.monotonic() })
    return answer
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic()
    for (const [id, { at }] of this.#answers) {
      if (now - at < repeatMsMax && this.#answers.size < rememberedMax) return
      this.#answers.delete(id)
    }
  }
}
