import { defineCommand, type Transaction, Type } from 'spacegrid'
import { customerSeats, type Event, events, type Seat, seats } from './caches.ts'
import {
  customerId,
  eventId,
  holdId,
  type Section,
  seatId,
  sectionName,
  time,
  total,
} from './fields.ts'
import { type Hold, holds } from './holds.ts'
import { customerSeatsKey, seatIdOf, seatKey } from './seat-names.ts'

/** Seats a customer may have of one event, held and bought together. */
export const seatsPerCustomerMax = 8

/** What is over the limit above is rejected by name; what is far over it is not even looked at. */
const seatsPerRequestMax = 100

const limitDescription = `At most ${seatsPerCustomerMax} per customer and event, counting those held or bought before`

/** @param holdMs how long seats are held, ms */
export const holdSeats = (holdMs: number) =>
  defineCommand('holdSeats', {
    description:
      'Holds these seats, all or none. Rejected: event_not_found, seat_not_found and seat_unavailable (error.seats), limit_exceeded.',
    access: ['customer', 'box-office'],
    input: Type.Object({
      eventId,
      seatIds: Type.Array(seatId, {
        minItems: 1,
        maxItems: seatsPerRequestMax,
        uniqueItems: true,
        description: limitDescription,
      }),
      customerId,
    }),
    partitionBy: 'eventId',
    rejections: [
      'event_not_found',
      'section_not_found',
      'seat_not_found',
      'seat_unavailable',
      'limit_exceeded',
    ],
    result: Type.Object({ holdId, expiresAt: time, total }),
    handler(tx, { eventId, seatIds, customerId }) {
      const event = eventOf(tx, eventId)
      const wanted = freeSeats(tx, eventId, seatIds)
      const total = wanted.reduce((sum, seat) => sum + sectionOf(tx, event, seat.section).price, 0)
      const hold = openHold(tx, { eventId, customerId, quantity: wanted.length, total }, holdMs)
      for (const seat of wanted) tx.put(seats, { ...seat, status: 'held', holdId: hold.holdId })
      return { holdId: hold.holdId, expiresAt: hold.expiresAt, total }
    },
  })

/**
 * Reads nothing that another hold changes: the customer's count and the seats are the business of
 * operations. So any number of units claim seats of one section at the same time, and none of their
 * transactions collides.
 *
 * @param holdMs how long seats are held, ms
 */
export const holdBestAvailable = (holdMs: number) =>
  defineCommand('holdBestAvailable', {
    description:
      'Holds the first free seats of a section, in row and seat order. Rejected: event_not_found, section_not_found, sold_out (fewer are free), limit_exceeded.',
    access: ['customer', 'box-office'],
    input: Type.Object({
      eventId,
      section: sectionName,
      quantity: Type.Integer({
        minimum: 1,
        maximum: seatsPerRequestMax,
        description: limitDescription,
      }),
      customerId,
    }),
    partitionBy: 'eventId',
    rejections: ['event_not_found', 'section_not_found', 'sold_out', 'limit_exceeded'],
    result: Type.Object({ holdId, seatIds: Type.Array(seatId), expiresAt: time, total }),
    handler(tx, { eventId, section, quantity, customerId }) {
      const total = quantity * sectionOf(tx, eventOf(tx, eventId), section).price
      const { holdId, expiresAt } = openHold(tx, { eventId, customerId, quantity, total }, holdMs)
      const taken = tx.take(
        seats,
        'byStatus',
        { equals: [eventId, section, 'free'], limit: quantity },
        { status: 'held', holdId },
        { otherwise: 'sold_out' },
      )
      return { holdId, taken, expiresAt, total }
    },
    answer: ({ taken, ...hold }) => ({ ...hold, seatIds: taken.map(seatIdOf) }),
  })

function eventOf(tx: Transaction, eventId: string): Event {
  return tx.get(events, eventId) ?? tx.reject('event_not_found', { eventId })
}

function sectionOf(tx: Transaction, { eventId, sections }: Event, name: string): Section {
  const section = sections.find((one) => one.section === name)
  return section ?? tx.reject('section_not_found', { eventId, section: name })
}

function freeSeats(tx: Transaction, eventId: string, seatIds: readonly string[]): Seat[] {
  const found: Seat[] = []
  const unknown: string[] = []
  const unavailable: string[] = []
  for (const seatId of seatIds) {
    const seat = tx.get(seats, seatKey(eventId, seatId))
    if (!seat) unknown.push(seatId)
    else if (seat.status !== 'free') unavailable.push(seatId)
    else found.push(seat)
  }
  if (unknown.length > 0) tx.reject('seat_not_found', { seats: unknown })
  if (unavailable.length > 0) tx.reject('seat_unavailable', { seats: unavailable })
  return found
}

/**
 * Counts the seats for the customer and opens the hold; setting the seats themselves aside is left
 * to the command.
 */
function openHold(
  tx: Transaction,
  wanted: Pick<Hold, 'eventId' | 'customerId' | 'quantity' | 'total'>,
  holdMs: number,
): Hold {
  const key = customerSeatsKey(wanted.eventId, wanted.customerId)
  tx.increment(customerSeats, key, 'count', wanted.quantity, {
    max: seatsPerCustomerMax,
    initial: { key, count: 0 },
    otherwise: 'limit_exceeded',
  })
  const hold: Hold = { holdId: tx.newId(), ...wanted, expiresAt: tx.now + holdMs }
  tx.put(holds, hold)
  tx.emit('SeatsHeld', hold)
  return hold
}
