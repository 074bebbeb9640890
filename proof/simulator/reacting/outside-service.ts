import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Host } from '@spacegrid/grid/kit/host'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'

/** The way to a service outside of the grid: it fails at times, before or behind what is asked. */
export class OutsideService {
  #isCalm = false
  readonly #clock: Clock
  readonly #random: SeededRandom

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  /** From now on it answers. */
  calm(): void {
    this.#isCalm = true
  }

  /** @param isCalm it does not fail this time */
  ask<T>(host: Host, work: () => T, isCalm = false): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!host.acts()) return
      const fate = this.#isCalm || isCalm ? 1 : this.#random.below(10) / 10
      const wayMs = this.#random.below(fate < 0.1 ? 400 : 20)
      this.#clock.after(wayMs, () => {
        const answer = (finish: () => void) =>
          this.#clock.after(this.#random.below(20), () => host.deliver(finish))
        if (fate < 0.2) {
          answer(() => reject(new Error('the service is away')))
          return
        }
        try {
          const done = work()
          answer(() => (fate < 0.3 ? reject(new Error('the line is cut')) : resolve(done)))
        } catch (refusal) {
          answer(() => reject(refusal))
        }
      })
    })
  }
}
