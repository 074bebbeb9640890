import { defineCache, type Static, type Transaction, Type } from 'spacegrid'
import { customerSeats, expiredHolds, type Seat, seats } from './caches.ts'
import { customerId, eventId, holdId, time, total } from './fields.ts'
import { customerSeatsKey, seatIdOf } from './seat-names.ts'

const hold = Type.Object({
  holdId,
  eventId,
  customerId,
  quantity: Type.Integer({ minimum: 1 }),
  total,
  expiresAt: time,
})

export type Hold = Static<typeof hold>

/**
 * Seats set aside for a customer until `expiresAt`. A hold does not list its seats, because
 * `holdBestAvailable` learns them only when it is melded: the seats name their hold.
 */
export const holds = defineCache('holds', {
  schema: hold,
  key: 'holdId',
  partitionBy: { idOf: 'holdId' },
  expiry: 'expiresAt',
  onExpire: expireHold,
})

/** How long after its expiry a hold is told from one that never was, ms. */
export const expiredHoldMemoryMs = 60 * 60_000

function expireHold(tx: Transaction, hold: Hold): void {
  const seatIds = endHold(tx, hold)
  tx.put(expiredHolds, { holdId: hold.holdId, forgetAt: tx.now + expiredHoldMemoryMs })
  tx.emit('HoldExpired', { ...holderOf(hold), seatIds })
}

/**
 * Removes a hold that came to nothing: its seats are free again and no longer count for the
 * customer. Returns their ids.
 */
export function endHold(tx: Transaction, hold: Hold): string[] {
  const held = seatsOf(tx, hold)
  for (const seat of held) tx.put(seats, freed(seat))
  giveBack(tx, hold.eventId, hold.customerId, held.length)
  tx.delete(holds, hold.holdId)
  return held.map(seatIdOf)
}

/** In row and seat order. */
export const seatsOf = (tx: Transaction, { holdId }: Hold): readonly Seat[] =>
  tx.range(seats, 'byHold', { equals: [holdId] })

/** Spelled out, so that nobody's id stays behind and all seats keep one form. */
export const freed = ({ key, eventId, section, row, number }: Seat): Seat => ({
  key,
  eventId,
  section,
  row,
  number,
  status: 'free',
})

/**
 * Takes seats off a customer's count. Unlike the way up this is a validated read: nobody contends
 * for it but the customer, and the entry can go when nothing is left, instead of staying for
 * everyone who ever looked.
 */
export function giveBack(
  tx: Transaction,
  eventId: string,
  customerId: string,
  quantity: number,
): void {
  const key = customerSeatsKey(eventId, customerId)
  const count = (tx.get(customerSeats, key)?.count ?? 0) - quantity
  if (count > 0) tx.put(customerSeats, { key, count })
  else tx.delete(customerSeats, key)
}

/** What domain events tell of a hold. */
export const holderOf = ({ holdId, eventId, customerId }: Hold) => ({ holdId, eventId, customerId })
