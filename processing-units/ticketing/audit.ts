import type { SpaceHarness } from 'spacegrid/testing'
import { customerSeats, events, orders, type Seat, seats } from './caches.ts'
import { holds } from './holds.ts'
import { customerSeatsKey, seatIdOf } from './seat-names.ts'
import type { Ticketing } from './space.ts'

type Grid = SpaceHarness<Ticketing>

/**
 * For tests: everything in the space that contradicts something else in it. Empty when all is well.
 */
export function audit(grid: Grid): string[] {
  const all = grid.entries(seats)
  return [
    ...seatsWithoutOwner(grid, all),
    ...ownersWithoutSeats(grid, all),
    ...wrongCustomerCounts(grid, all),
    ...wrongAvailability(grid, all),
  ]
}

/** A seat has at most one holder, who is there and knows of it. */
function seatsWithoutOwner(grid: Grid, all: readonly Seat[]): string[] {
  return all
    .filter((seat) => {
      const { status, holdId, orderId } = seat
      if (status === 'free') return holdId !== undefined || orderId !== undefined
      if (status === 'held')
        return orderId !== undefined || !grid.read.get(holds, holdId ?? 'nobody')
      const order = grid.read.get(orders, orderId ?? 'nobody')
      const known = order?.status === 'confirmed' && order.seatIds.includes(seatIdOf(seat))
      return holdId !== undefined || !known
    })
    .map((seat) => `seat ${seat.key} is ${JSON.stringify(seat)}`)
}

/** Holds and confirmed orders have exactly their seats; an event has all of its own. */
function ownersWithoutSeats(grid: Grid, all: readonly Seat[]): string[] {
  const owned = countBy(all, ({ holdId, orderId }) => holdId ?? orderId ?? 'nobody')
  const inEvent = countBy(all, ({ eventId }) => eventId)
  const confirmed = grid.entries(orders).filter(({ status }) => status === 'confirmed')
  return [
    ...grid
      .entries(events)
      .filter(({ eventId, seats }) => inEvent.get(eventId) !== seats)
      .map(({ eventId }) => `event ${eventId} has ${inEvent.get(eventId)} seats`),
    ...grid
      .entries(holds)
      .filter(({ holdId, quantity }) => owned.get(holdId) !== quantity)
      .map(({ holdId, quantity }) => `hold ${holdId} of ${quantity} has ${owned.get(holdId)}`),
    ...confirmed
      .filter(({ orderId, seatIds }) => owned.get(orderId) !== seatIds.length)
      .map(({ orderId, seatIds }) => `order ${orderId} of ${seatIds} has ${owned.get(orderId)}`),
  ]
}

function wrongCustomerCounts(grid: Grid, all: readonly Seat[]): string[] {
  const actual = new Map(grid.entries(customerSeats).map(({ key, count }) => [key, count]))
  const expected = countBy(all, (seat) => {
    const owner = seat.holdId
      ? grid.read.get(holds, seat.holdId)
      : grid.read.get(orders, seat.orderId ?? 'nobody')
    return owner && customerSeatsKey(owner.eventId, owner.customerId)
  })
  return differences('customer', actual, expected)
}

function wrongAvailability(grid: Grid, all: readonly Seat[]): string[] {
  const actual = new Map<string, number>()
  for (const { eventId } of grid.entries(events)) {
    const { sections } = grid.query('availability', { eventId })
    for (const { section, ...counts } of sections)
      for (const [status, count] of Object.entries(counts))
        if (count !== 0) actual.set(`${eventId}/${section} ${status}`, count)
  }
  const expected = countBy(all, ({ eventId, section, status }) => `${eventId}/${section} ${status}`)
  return differences('availability of', actual, expected)
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined) {
  const counts = new Map<string, number>()
  for (const item of items) {
    const key = keyOf(item)
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

const differences = (
  what: string,
  actual: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): string[] =>
  [...new Set([...actual.keys(), ...expected.keys()])]
    .filter((key) => actual.get(key) !== expected.get(key))
    .map((key) => `${what} ${key} counts ${actual.get(key)}, not ${expected.get(key)}`)
