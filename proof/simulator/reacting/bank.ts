import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Host } from '@spacegrid/grid/kit/host'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { Rejection } from 'spacegrid'
import { OutsideService } from './outside-service.ts'

/** Never forgets, and does nothing twice under one id. */
export class Bank {
  /** By the id of the payment. */
  readonly payments = new Map<string, { readonly order: string; state: 'paid' | 'refunded' }>()
  readonly #refunds = new Map<string, number>()
  readonly #service: OutsideService

  constructor(clock: Clock, random: SeededRandom) {
    this.#service = new OutsideService(clock, random)
  }

  /** From now on it answers. */
  calm(): void {
    this.#service.calm()
  }

  /** Whoever pays with too little is refused. */
  pay(host: Host, id: string, order: string, isPoor: boolean): Promise<string> {
    return this.#service.ask(host, () => {
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
    return this.#service.ask(host, work, tries > 1)
  }
}
