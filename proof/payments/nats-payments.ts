import { Rejection } from '@spacegrid/grid/core/errors'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Payment, Payments } from '@spacegrid/ticketing/selling'

export const subjectOf = (what: 'charge' | 'refund'): string => `payments.${what}`

/** What the service is asked; only a charge says of whom. */
export interface AskedPayment extends Partial<Payment> {
  readonly id: string
  readonly customerId: string
}

const timeoutMs = 1500

/** The payment service as its callers use it: over NATS. */
export class NatsPayments implements Payments {
  readonly #messaging: () => Promise<Messaging>

  /** @param messaging opened when it is first needed, and kept */
  constructor(messaging: () => Promise<Messaging>) {
    this.#messaging = messaging
  }

  async charge(payment: Payment): Promise<string> {
    const { receipt, refused } = await this.#ask('charge', payment)
    if (refused !== undefined) throw new Rejection(refused)
    return String(receipt)
  }

  async refund(id: string): Promise<void> {
    await this.#ask('refund', { id, customerId: '' })
  }

  async #ask(
    what: 'charge' | 'refund',
    asked: AskedPayment,
  ): Promise<{ readonly receipt?: string; readonly refused?: string }> {
    const messaging = await this.#messaging()
    const data = Buffer.from(JSON.stringify(asked))
    try {
      const answer = await messaging.request(subjectOf(what), data, { timeoutMs })
      return JSON.parse(Buffer.from(answer.data).toString())
    } catch (error) {
      // That it fails is no "no": it is asked again.
      throw error instanceof Rejection ? new Error(error.reason) : error
    }
  }
}
