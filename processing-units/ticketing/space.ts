import { defineSpace } from 'spacegrid'
import { availability as availabilityProjection } from './availability.ts'
import { archivedOrders, customerSeats, events, expiredHolds, orders, seats } from './caches.ts'
import { createEvent } from './create-event.ts'
import { holdBestAvailable, holdSeats } from './hold-commands.ts'
import { holds } from './holds.ts'
import { cancelOrder, confirmHold, releaseHold } from './order-commands.ts'
import { availability, order, ordersByCustomer, seatMap } from './queries.ts'
import { type Payments, selling } from './selling.ts'
import { readTicketingSettings } from './settings.ts'

export interface TicketingOptions {
  /** How long seats are held before they are free again, ms. Default 120,000. */
  readonly holdMs?: number
  /**
   * How long after they were made orders leave memory, ms. The store keeps them. Default 0: they
   * never do.
   */
  readonly archiveOrdersMs?: number
  /** Among which the events are divided. Default 1. */
  readonly partitions?: number
  /** With them an order is paid, and becomes a ticket of the space `tickets`. Default: none. */
  readonly payments?: Payments
}

/**
 * The space of a ticket on-sale: events with numbered seats, held for a short time, then sold or
 * free again.
 */
export function createTicketing({
  holdMs = 120_000,
  archiveOrdersMs = 0,
  partitions = 1,
  payments,
}: TicketingOptions = {}) {
  const keptOrders = archiveOrdersMs === 0 ? orders : archivedOrders(archiveOrdersMs)
  return defineSpace('ticketing', {
    description: 'Seats on sale: nobody gets a seat that somebody else has.',
    partitions,
    caches: [events, seats, holds, keptOrders, customerSeats, expiredHolds],
    commands: [
      createEvent,
      holdSeats(holdMs),
      holdBestAvailable(holdMs),
      confirmHold,
      releaseHold,
      cancelOrder,
    ],
    queries: [seatMap, availability, order, ordersByCustomer],
    readableEvents: {
      EventCreated: true,
      SeatsHeld: ['eventId', 'quantity', 'expiresAt'],
      HoldConfirmed: ['eventId', 'seatIds'],
      HoldReleased: ['eventId', 'seatIds'],
      HoldExpired: ['eventId', 'seatIds'],
      OrderCancelled: ['eventId', 'seatIds'],
    },
    projections: [availabilityProjection],
    access: { events: 'public', past: ['operator'], admin: ['operator'] },
    waitingRoom: {
      commands: ['holdSeats', 'holdBestAvailable'],
      queries: ['seatMap'],
      by: 'eventId',
      finishedBy: ['confirmHold'],
    },
    ...(payments ? { reactions: [selling(payments)] } : {}),
  })
}

/** As this process is set up (settings.ts). */
export const ticketing = createTicketing(readTicketingSettings())

export type Ticketing = typeof ticketing
