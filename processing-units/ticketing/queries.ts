import { defineQuery, mergePages, type Reader, rowKey, Type } from 'spacegrid'
import { availability as availabilityProjection } from './availability.ts'
import { type Event, events, order as orderSchema, orders, seats } from './caches.ts'
import {
  customerId,
  eventId,
  orderId,
  price,
  type Section,
  seatId,
  seatStatus,
  sectionName,
} from './fields.ts'
import { seatIdOf, seatKey } from './seat-names.ts'

const count = Type.Integer({ minimum: 0 })

/** On a page; nobody who buys tickets has more. */
const ordersMax = 1000

/** A customer's orders are those of many events, in all partitions. */
const newestFirst = { reverse: true, limit: ordersMax } as const
const mergeOrders = mergePages(orders, 'byCustomer', newestFirst)

export const seatMap = defineQuery('seatMap', {
  description: 'Every seat of an event, or of one of its sections, in row and seat order.',
  access: 'public',
  input: Type.Object({ eventId, section: Type.Optional(sectionName) }),
  partitionBy: 'eventId',
  result: Type.Object({
    eventId,
    seats: Type.Array(Type.Object({ seatId, status: seatStatus, price })),
  }),
  handler(read, { eventId, section }) {
    const event = eventOf(read, eventId)
    const shown = event.sections.filter((one) => section === undefined || one.section === section)
    if (shown.length === 0) read.notFound(`Event ${eventId} has no section ${section}`)
    return { eventId, seats: shown.flatMap((one) => seatsOf(read, eventId, one)) }
  },
})

export const availability = defineQuery('availability', {
  description: 'How many seats of each section are free, held and sold.',
  access: 'public',
  input: Type.Object({ eventId }),
  partitionBy: 'eventId',
  result: Type.Object({
    eventId,
    sections: Type.Array(
      Type.Object({ section: sectionName, free: count, held: count, sold: count }),
    ),
  }),
  handler(read, { eventId }) {
    const sections = eventOf(read, eventId).sections.map(({ section }) => {
      const counts = read.get(availabilityProjection, rowKey(eventId, section))
      const { free = 0, held = 0, sold = 0 } = counts ?? {}
      return { section, free, held, sold }
    })
    return { eventId, sections }
  },
})

export const order = defineQuery('order', {
  description: 'An order, cancelled ones included.',
  access: ['customer', 'box-office'],
  input: Type.Object({ orderId }),
  partitionBy: { idOf: 'orderId' },
  result: orderSchema,
  handler: (read, { orderId }) =>
    read.get(orders, orderId) ?? read.notFound(`There is no order ${orderId}`),
})

export const ordersByCustomer = defineQuery('ordersByCustomer', {
  description: `A customer's orders, newest first, at most ${ordersMax} a page: \`cursor\` is the \`next\` of the page before. None for a customer who has not bought anything. Who knows the customer's id sees them, and can cancel them.`,
  access: ['customer', 'box-office'],
  input: Type.Object({
    customerId,
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: ordersMax, description: `Default ${ordersMax}` }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 10_000 })),
  }),
  result: Type.Object({
    orders: Type.Array(orderSchema),
    next: Type.Optional(Type.String({ description: 'There while there are older orders' })),
  }),
  handler(read, { customerId, ...page }) {
    return read.page(orders, 'byCustomer', { equals: [customerId], ...newestFirst, ...page })
  },
  everyPartition: {
    merge(pages, input) {
      const { items, ...next } = mergeOrders(pages, input)
      return { orders: items, ...next }
    },
  },
})

function eventOf(read: Reader, eventId: string): Event {
  return read.get(events, eventId) ?? read.notFound(`There is no event ${eventId}`)
}

/** Found by their ids: the event's plan is an order of its seats already, and costs no index. */
function seatsOf(read: Reader, eventId: string, { section, rows, seatsPerRow, price }: Section) {
  const found = []
  for (let row = 1; row <= rows; row++)
    for (let number = 1; number <= seatsPerRow; number++) {
      const seatId = seatIdOf({ section, row, number })
      const seat = read.get(seats, seatKey(eventId, seatId))
      if (seat) found.push({ seatId, status: seat.status, price })
    }
  return found
}
