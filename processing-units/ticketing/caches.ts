import { defineCache, type Static, Type } from 'spacegrid'
import {
  customerId,
  eventId,
  eventName,
  holdId,
  orderId,
  paymentReference,
  seatId,
  seatStatus,
  section,
  time,
  total,
} from './fields.ts'

/** Everything of an event is in one partition; event ids hold no slash. */
const byEventInKey = { prefixOf: 'key', until: '/' } as const

const event = Type.Object({
  eventId,
  name: eventName,
  startsAt: time,
  sections: Type.Array(section),
  /** How many there are. */
  seats: Type.Integer(),
})

export type Event = Static<typeof event>

/** An event never changes once it is created: reading it makes no command collide. */
export const events = defineCache('events', {
  schema: event,
  key: 'eventId',
  partitionBy: 'eventId',
  readable: true,
})

const seat = Type.Object({
  key: Type.String({ description: '{eventId}/{seatId}: a seat id is unique in its event only' }),
  eventId: Type.String(),
  section: Type.String(),
  row: Type.Integer(),
  number: Type.Integer({ description: 'Of the seat in its row' }),
  status: seatStatus,
  holdId: Type.Optional(Type.String({ description: 'There while the seat is held' })),
  orderId: Type.Optional(Type.String({ description: 'There while the seat is sold' })),
})

export type Seat = Static<typeof seat>

/**
 * Every processing unit keeps every seat, so a seat says only where it is and who has it; its price
 * is its section's.
 *
 * Who has a seat is nobody's business: whoever knows the id of a hold or an order can confirm,
 * release or cancel it.
 */
export const seats = defineCache('seats', {
  schema: seat,
  key: 'key',
  indexes: {
    /**
     * The free seats of a section, in row and seat order, stand together here: what is claimed by
     * `take`.
     */
    byStatus: ['eventId', 'section', 'status', 'row', 'number'],
    /** Held seats only: the others have no `holdId`. */
    byHold: ['holdId', 'section', 'row', 'number'],
  },
  partitionBy: byEventInKey,
  readable: ['key', 'eventId', 'section', 'row', 'number', 'status'],
})

/**
 * How many seats a customer has of an event, held and bought together. There is an entry only for
 * those who have any.
 */
export const customerSeats = defineCache('customerSeats', {
  schema: Type.Object({
    key: Type.String({ description: '{eventId}/{customerId}' }),
    count: Type.Integer({ minimum: 0 }),
  }),
  key: 'key',
  partitionBy: byEventInKey,
})

export const order = Type.Object({
  orderId,
  eventId,
  customerId,
  seatIds: Type.Array(seatId),
  total,
  paymentReference,
  status: Type.Enum(['confirmed', 'cancelled'], { type: 'string' }),
  orderedAt: time,
  cancelledAt: Type.Optional(time),
})

export type Order = Static<typeof order>

/**
 * An order has the id of the hold it was made of, so that a hold becomes one order at most.
 * Cancelled orders stay.
 */
const keptOrders = {
  schema: order,
  key: 'orderId',
  partitionBy: { idOf: 'orderId' },
  indexes: { byCustomer: ['customerId', 'orderedAt'] },
} as const

export const orders = defineCache('orders', keptOrders)

/** Orders that leave memory so long after they were made, and stay in the store. */
export const archivedOrders = (ms: number): typeof orders =>
  defineCache('orders', { ...keptOrders, archive: { after: 'orderedAt', ms } })

/** Holds that have expired, remembered for a while: whoever comes late with one is told so. */
export const expiredHolds = defineCache('expiredHolds', {
  schema: Type.Object({ holdId, forgetAt: time }),
  key: 'holdId',
  partitionBy: { idOf: 'holdId' },
  expiry: 'forgetAt',
})
