import { defineEvent, defineProcess, Type } from 'spacegrid'
import { customerId, eventId, holdId, orderId, seatId, total } from './fields.ts'
import { cancelOrder } from './order-commands.ts'
import { issueTicket } from './tickets.ts'

/** A service outside that takes money; it does nothing twice for one id. */
export interface Payments {
  /**
   * Returns its receipt.
   * @throws Rejection when it says no for good
   */
  charge(payment: Payment, signal: AbortSignal): Promise<string>
  /** Whether or not anything was charged under the id: nothing will be from now on. */
  refund(id: string, signal: AbortSignal): Promise<void>
}

export interface Payment {
  readonly id: string
  readonly customerId: string
  /** In minor units (cents). */
  readonly total: number
}

/** Told by `confirmHold`. */
export const holdConfirmed = defineEvent(
  'HoldConfirmed',
  Type.Object({ holdId, eventId, customerId, orderId, seatIds: Type.Array(seatId), total }),
)

/**
 * What follows from an order: it is paid, then its ticket is issued. When that fails for good the
 * money is given back and the order cancelled: its seats are free again.
 */
export const selling = (payments: Payments) =>
  defineProcess('selling', {
    description: 'From an order to its ticket, or back',
    on: holdConfirmed,
    undo: { command: cancelOrder, input: ({ event: { orderId } }) => ({ orderId }) },
    steps: (process) =>
      process
        .call('payment', {
          run: async ({ event: { customerId, total } }, { id, signal }) => ({
            receipt: await payments.charge({ id, customerId, total }, signal),
          }),
          undo: (_, { id, signal }) => payments.refund(id, signal),
          attemptMs: 3000,
        })
        .command('ticket', {
          space: 'tickets',
          command: issueTicket,
          input: ({ event: { orderId, eventId, customerId, seatIds }, payment }) => ({
            ...{ orderId, eventId, customerId, seatIds: [...seatIds] },
            receipt: payment.receipt,
          }),
        }),
  })
