import { defineCache, defineCommand, defineQuery, defineSpace, type Static, Type } from 'spacegrid'
import { customerId, eventId, orderId, paymentReference, seatId, time } from './fields.ts'

const ticket = Type.Object({
  orderId,
  eventId,
  customerId,
  seatIds: Type.Array(seatId),
  receipt: paymentReference,
  issuedAt: time,
})

export type Ticket = Static<typeof ticket>

/** One of each order that has been paid. */
export const issuedTickets = defineCache('issuedTickets', {
  schema: ticket,
  key: 'orderId',
  partitionBy: { idOf: 'orderId' },
  indexes: { byEvent: ['eventId', 'issuedAt'] },
})

export const issueTicket = defineCommand('issueTicket', {
  description: 'Issues the ticket of an order that has been paid. Rejected: ticket_issued.',
  input: Type.Object({
    orderId,
    eventId,
    customerId,
    seatIds: Type.Array(seatId),
    receipt: paymentReference,
  }),
  partitionBy: { idOf: 'orderId' },
  result: Type.Object({ orderId }),
  handler(tx, order) {
    const { orderId } = order
    if (tx.get(issuedTickets, orderId)) return tx.reject('ticket_issued', { orderId })
    tx.put(issuedTickets, { ...order, issuedAt: tx.now })
    return { orderId }
  },
})

const ticketOf = defineQuery('ticket', {
  description: 'The ticket of an order',
  access: ['customer', 'box-office'],
  input: Type.Object({ orderId }),
  partitionBy: { idOf: 'orderId' },
  result: ticket,
  handler: (read, { orderId }) =>
    read.get(issuedTickets, orderId) ?? read.notFound(`order ${orderId} has no ticket`),
})

/**
 * The space in which tickets are issued: another one than that of the seats, for whoever checks
 * tickets at the door must not wait for those who buy.
 */
export const tickets = defineSpace('tickets', {
  description: 'Tickets of orders that have been paid.',
  caches: [issuedTickets],
  commands: [issueTicket],
  queries: [ticketOf],
})
