/**
 * Tails that share a connection catch up one after the other. The server pushes each of them up to
 * 32 MiB beyond what it has heard of (its flow control); of several at once it would take a reader
 * that is only busy for one that has stopped reading, and cut the connection for all of them
 * (`max_pending`, 64 MiB).
 */
export class CatchUpTurns {
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  /** Waits for a turn. Returns what ends it; once is enough, and more do no harm. */
  async take(): Promise<() => void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const next = this.#waiting.shift()
      // Handed on as it is: nobody who comes in between gets it.
      if (next) next()
      else this.#isTaken = false
    }
  }
}
