import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Host } from '@spacegrid/grid/kit/host'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { Rejection } from 'spacegrid'

/**
 * A service outside of the grid, which never forgets: it does nothing twice under one id, and fails
 * at times, before or behind what it was asked for.
 */
export class Bank {
  /** By the id of the payment. */
  readonly payments = new Map<string, { readonly order: string; state: 'paid' | 'refunded' }>()
  readonly #refunds = new Map<string, number>()
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

  /** Whoever pays with too little is refused. */
  pay(host: Host, id: string, order: string, isPoor: boolean): Promise<string> {
    return this.#asked(host, () => {
      const known = this.payments.get(id)
      // It comes behind its own refund: nothing is paid any more.
      if (known?.state === 'refunded') throw new Rejection('refunded')
      if (isPoor) throw new Rejection('no_money')
      this.payments.set(id, { order, state: 'paid' })
      return `receipt of ${order}`
    })
  }

  /** It does not fail for good: that would be a matter for people. */
  refund(host: Host, id: string, order: string): Promise<void> {
    const tries = (this.#refunds.get(id) ?? 0) + 1
    this.#refunds.set(id, tries)
    const work = () => void this.payments.set(id, { order, state: 'refunded' })
    return this.#asked(host, work, tries > 1)
  }

  #asked<T>(host: Host, work: () => T, isCalm = this.#isCalm): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!host.acts()) return
      const fate = isCalm ? 1 : this.#random.below(10) / 10
      const wayMs = this.#random.below(fate < 0.1 ? 400 : 20)
      this.#clock.after(wayMs, () => {
        const answer = (finish: () => void) =>
          this.#clock.after(this.#random.below(20), () => host.deliver(finish))
        if (fate < 0.2) {
          answer(() => reject(new Error('the bank is away')))
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
