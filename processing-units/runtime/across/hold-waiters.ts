import type { SpaceState } from '@spacegrid/grid/core/space-state'

/** Those that wait for something that is held: told when it is not any more. */
export class HoldWaiters {
  readonly #state: SpaceState
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(state: SpaceState) {
    this.#state = state
  }

  get size(): number {
    let size = 0
    for (const those of this.#waiting.values()) size += those.size
    return size
  }

  /** Calls once the attempt holds nothing here; returns what ends the waiting. */
  wait(attempt: string, released: () => void): () => void {
    const those = this.#waiting.get(attempt) ?? new Set()
    this.#waiting.set(attempt, those.add(released))
    return () => {
      those.delete(released)
      if (those.size === 0 && this.#waiting.get(attempt) === those) this.#waiting.delete(attempt)
    }
  }

  /** A frame has been melded. */
  melded(): void {
    if (this.#waiting.size === 0) return
    for (const [attempt, those] of this.#waiting) {
      if (this.#state.holds.find(attempt)) continue
      this.#waiting.delete(attempt)
      for (const released of those) released()
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
