import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'

interface Waiter {
  /** What ends the hold is on its way, and whoever comes behind it need not wait for more. */
  readonly isEarly: boolean
  released(): void
}

/** Those that wait for something that is held: told when it is not any more. */
export class HoldWaiters {
  readonly #state: SpaceState
  readonly #waiting = new Map<string, Set<Waiter>>()
  /** Attempts whose end this unit has sent: what it sends from now on comes behind that. */
  readonly #ending = new Set<string>()

  constructor(state: SpaceState) {
    this.#state = state
  }

  get size(): number {
    let size = 0
    for (const those of this.#waiting.values()) size += those.size
    return size
  }

  /**
   * The attempt that holds what a transaction needs. What would have collided in the log need not
   * be sent; but what is sent behind the end of a hold does not meet it, and has read what that end
   * is foreseen to write.
   */
  inTheWay({
    reads,
    ranges,
    steps,
  }: Pick<TransactionRecord, 'reads' | 'ranges' | 'steps'>): string | undefined {
    const { holds } = this.#state
    if (holds.size === 0) return undefined
    const attempt = holds.inTheWay(this.#state, { reads, ranges, steps, writes: [] })?.attempt
    return attempt === undefined || this.#ending.has(attempt) ? undefined : attempt
  }

  /** Calls once the attempt holds nothing here; returns what ends the waiting. */
  wait(attempt: string, released: () => void): () => void {
    return this.#wait(attempt, { isEarly: false, released })
  }

  /** Calls once what is sent then comes behind the end of the hold. */
  waitForEnd(attempt: string, released: () => void): () => void {
    return this.#wait(attempt, { isEarly: true, released })
  }

  #wait(attempt: string, waiter: Waiter): () => void {
    const those = this.#waiting.get(attempt) ?? new Set()
    this.#waiting.set(attempt, those.add(waiter))
    return () => {
      those.delete(waiter)
      if (those.size === 0 && this.#waiting.get(attempt) === those) this.#waiting.delete(attempt)
    }
  }

  /**
   * What ends the attempt here has been sent. Whoever meets the hold all the same, because that was
   * lost on its way, waits until it is gone.
   */
  ends(attempt: string): void {
    if (this.#ending.has(attempt)) return
    this.#ending.add(attempt)
    const those = this.#waiting.get(attempt)
    if (!those) return
    const early = [...those].filter(({ isEarly }) => isEarly)
    for (const waiter of early) those.delete(waiter)
    if (those.size === 0) this.#waiting.delete(attempt)
    // Whoever waits for it once more waits until it is gone.
    for (const { released } of early) released()
  }

  /** It is known what has become of that. */
  ended(attempt: string): void {
    this.#ending.delete(attempt)
  }

  /** A frame has been melded. */
  melded(): void {
    if (this.#waiting.size === 0) return
    for (const [attempt, those] of this.#waiting) {
      if (this.#state.holds.find(attempt)) continue
      this.#waiting.delete(attempt)
      for (const { released } of those) released()
    }
  }

  /**
   * Resolves once nothing that was prepared at the position or before it is held any more, true; or
   * false when `signal` aborts first.
   */
  async settled(position: number, signal: AbortSignal): Promise<boolean> {
    const { holds, layout } = this.#state
    for (;;) {
      const earlier = [...holds.all()].find(
        ({ attempt }) => (this.#state.find(layout.holds, attempt)?.position ?? 0) <= position,
      )
      if (!earlier) return true
      if (signal.aborted) return false
      await new Promise<void>((resolve) => {
        const end = this.wait(earlier.attempt, resolve)
        signal.addEventListener(
          'abort',
          () => {
            end()
            resolve()
          },
          { once: true },
        )
      })
    }
  }
}
