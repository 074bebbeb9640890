import { defineCommand, type Transaction, Type } from 'spacegrid'
import { expiredHolds, type Order, orders, seats } from './caches.ts'
import { holdId, orderId, paymentReference, seatId } from './fields.ts'
import { endHold, freed, giveBack, type Hold, holderOf, holds, seatsOf } from './holds.ts'
import { seatIdOf, seatKey } from './seat-names.ts'

/**
 * Idempotent by nature: confirming a hold again with the same payment answers with the order it has
 * become, so a buyer who missed the answer may ask again at any time. With another payment it is
 * rejected, or that payment would be taken for nothing.
 */
export const confirmHold = defineCommand('confirmHold', {
  priority: 'finish',
  description:
    'Makes an order of a hold. Again with the same paymentReference: the same order. Rejected: hold_expired, hold_not_found, hold_confirmed (paid otherwise, error.orderId), order_cancelled.',
  access: ['customer', 'box-office'],
  input: Type.Object({ holdId, paymentReference }),
  partitionBy: { idOf: 'holdId' },
  rejections: ['hold_expired', 'hold_not_found', 'hold_confirmed', 'order_cancelled'],
  result: Type.Object({ orderId }),
  handler(tx, { holdId, paymentReference }) {
    // What is held is no order yet: there is no need to look for one, wherever it might be.
    const earlier = tx.get(holds, holdId) ? undefined : tx.get(orders, holdId)
    if (earlier) return { orderId: sameOrder(tx, earlier, paymentReference).orderId }
    const hold = liveHold(tx, holdId)
    const { eventId, customerId, total } = hold
    const bought = seatsOf(tx, hold)
    const seatIds = bought.map(seatIdOf)
    const order: Order = {
      orderId: holdId,
      eventId,
      customerId,
      seatIds,
      total,
      paymentReference,
      status: 'confirmed',
      orderedAt: tx.now,
    }
    for (const seat of bought)
      tx.put(seats, { ...freed(seat), status: 'sold', orderId: order.orderId })
    tx.put(orders, order)
    tx.delete(holds, holdId)
    tx.emit('HoldConfirmed', { ...holderOf(hold), orderId: order.orderId, seatIds, total })
    return { orderId: order.orderId }
  },
})

export const releaseHold = defineCommand('releaseHold', {
  priority: 'finish',
  description:
    'Gives the seats of a hold back before it expires. Rejected: hold_expired, hold_not_found, hold_confirmed (error.orderId).',
  access: ['customer', 'box-office'],
  input: Type.Object({ holdId }),
  partitionBy: { idOf: 'holdId' },
  rejections: ['hold_expired', 'hold_not_found', 'hold_confirmed'],
  result: Type.Object({ seatIds: Type.Array(seatId) }),
  handler(tx, { holdId }) {
    const order = tx.get(holds, holdId) ? undefined : tx.get(orders, holdId)
    if (order) tx.reject('hold_confirmed', { orderId: order.orderId })
    const hold = liveHold(tx, holdId)
    const seatIds = endHold(tx, hold)
    tx.emit('HoldReleased', { ...holderOf(hold), seatIds })
    return { seatIds }
  },
})

/**
 * Idempotent by nature: an order that is cancelled stays cancelled, whoever has its seats by now.
 */
export const cancelOrder = defineCommand('cancelOrder', {
  priority: 'finish',
  description:
    'Cancels an order: its seats are free again. Again: the same answer, nothing changes. Rejected: order_not_found.',
  access: ['customer', 'box-office'],
  input: Type.Object({ orderId }),
  partitionBy: { idOf: 'orderId' },
  rejections: ['order_not_found'],
  result: Type.Object({ seatIds: Type.Array(seatId) }),
  handler(tx, { orderId }) {
    const order = tx.get(orders, orderId) ?? tx.reject('order_not_found', { orderId })
    const { eventId, customerId, seatIds, total } = order
    if (order.status === 'cancelled') return { seatIds }
    const sold = seatIds.map((seatId) => tx.get(seats, seatKey(eventId, seatId)))
    for (const seat of sold) if (seat) tx.put(seats, freed(seat))
    giveBack(tx, eventId, customerId, seatIds.length)
    tx.put(orders, { ...order, status: 'cancelled', cancelledAt: tx.now })
    tx.emit('OrderCancelled', { orderId, eventId, customerId, seatIds, total })
    return { seatIds }
  },
})

function sameOrder(tx: Transaction, order: Order, paymentReference: string): Order {
  const { orderId, status } = order
  if (status === 'cancelled') tx.reject('order_cancelled', { orderId })
  if (order.paymentReference !== paymentReference) tx.reject('hold_confirmed', { orderId })
  return order
}

/**
 * A hold is over at `expiresAt` by the transaction's time, whether or not its expiry has been
 * carried out by then.
 */
function liveHold(tx: Transaction, holdId: string): Hold {
  const hold = tx.get(holds, holdId)
  if (hold && tx.now < hold.expiresAt) return hold
  if (hold || tx.get(expiredHolds, holdId)) tx.reject('hold_expired', { holdId })
  return tx.reject('hold_not_found', { holdId })
}
