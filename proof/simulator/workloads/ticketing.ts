import { createTicketing } from '@spacegrid/ticketing/space'
import { pick } from '../plan/settings.ts'
import { command, query, type Workload } from './workload.ts'

const eventId = 'concert'
const sections = ['A', 'B']
const rows = 2
const seatsPerRow = 4

/**
 * The on-sale of the product itself: few seats, many who want them, holds that expire within
 * seconds.
 */
export const ticketing: Workload = {
  name: 'ticketing',
  description: 'the real ticketing space: a sold-out on-sale with expiring holds',
  space: createTicketing({ holdMs: 1500 }),
  setup: [
    command('createEvent', {
      eventId,
      name: 'Concert',
      startsAt: 1_900_000_000_000,
      sections: sections.map((section) => ({ section, rows, seatsPerRow, price: 4500 })),
    }),
  ],
  next: (random, memory) => {
    const section = pick(random, sections)
    const customerId = `customer-${random.below(5)}`
    const seatId = () =>
      `${pick(random, sections)}-${1 + random.below(rows)}-${1 + random.below(seatsPerRow)}`
    const luck = random.below(100)
    if (luck < 28)
      return command('holdBestAvailable', {
        ...{ eventId, section, customerId },
        quantity: 1 + random.below(3),
      })
    if (luck < 43) {
      const seatIds = [...new Set(Array.from({ length: 1 + random.below(3) }, seatId))]
      return command('holdSeats', { eventId, seatIds, customerId })
    }
    const holdId = memory.recall('hold', random)
    if (luck < 62)
      return command('confirmHold', { holdId, paymentReference: `payment-${random.below(2)}` })
    if (luck < 72) return command('releaseHold', { holdId })
    if (luck < 82) return command('cancelOrder', { orderId: memory.recall('order', random) })
    if (luck < 91) return query('availability', { eventId })
    if (luck < 96) return query('seatMap', { eventId, section })
    return query('ordersByCustomer', { customerId })
  },
  told: ({ name }, result, memory) => {
    const { holdId, orderId } = (result ?? {}) as { holdId?: string; orderId?: string }
    if (name.startsWith('hold') && holdId) memory.remember('hold', holdId)
    if (name === 'confirmHold' && orderId) memory.remember('order', orderId)
  },
  invariants: (model) => {
    const problems: string[] = []
    const owners = new Map<string, number>()
    for (const seat of model.entries('seats').values()) {
      const owner = (seat.holdId ?? seat.orderId) as string | undefined
      if ((seat.status === 'free') !== (owner === undefined))
        problems.push(`seat ${JSON.stringify(seat)}`)
      if (owner !== undefined) owners.set(owner, (owners.get(owner) ?? 0) + 1)
    }
    const own = (id: string, seats: number) => {
      if ((owners.get(id) ?? 0) !== seats)
        problems.push(`${id} should have ${seats} seats, but has ${owners.get(id) ?? 0}`)
    }
    for (const { holdId, quantity } of model.entries('holds').values())
      own(holdId as string, quantity as number)
    for (const { orderId, seatIds, status } of model.entries('orders').values())
      if (status === 'confirmed') own(orderId as string, (seatIds as string[]).length)
    return problems
  },
}
