import type { Clock } from '../ports/clock.ts'

/**
 * Lets one loop sleep until there may be something to do. A wake-up that comes while the loop works
 * is not lost.
 */
export class Wakeup {
  readonly #clock: Clock
  #pending = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#pending = true
    this.#wake?.()
  }

  /** Returns after `ms` (without: never by itself), when woken, or when the signal aborts. */
  async sleep(signal: AbortSignal, ms?: number): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : this.#clock.after(ms, done)
        function done() {
          timer?.cancel()
          signal.removeEventListener('abort', done)
          resolve()
        }
        signal.addEventListener('abort', done, { once: true })
        this.#wake = done
      })
      this.#wake = undefined
    }
    this.#pending = false
  }
}
