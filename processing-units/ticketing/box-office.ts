import type { CommandsOf } from 'spacegrid'
import { SpaceHarness } from 'spacegrid/testing'
import { createTicketing, type Ticketing } from './space.ts'

export const holdMs = 120_000

export type HoldAnswer = CommandsOf<Ticketing>['holdSeats']['result']

export type BestAnswer = CommandsOf<Ticketing>['holdBestAvailable']['result']

/**
 * For tests: one event, `concert`, with its commands under short names. Section A is 3 rows of 10
 * seats, section B 2 of 5.
 */
export class BoxOffice {
  readonly grid = new SpaceHarness(createTicketing({ holdMs }))

  constructor() {
    this.grid.execute('createEvent', concert)
  }

  hold(seatIds: readonly string[], customerId = 'ann'): HoldAnswer {
    return this.grid.execute('holdSeats', { eventId: 'concert', seatIds, customerId })
  }

  best(section: string, quantity: number, customerId = 'ann'): BestAnswer {
    return this.grid.execute('holdBestAvailable', best(section, quantity, customerId))
  }

  confirm(holdId: string, paymentReference = 'paid'): string {
    return this.grid.execute('confirmHold', { holdId, paymentReference }).orderId
  }

  release(holdId: string): readonly string[] {
    return this.grid.execute('releaseHold', { holdId }).seatIds
  }

  cancel(orderId: string): readonly string[] {
    return this.grid.execute('cancelOrder', { orderId }).seatIds
  }

  /** Section A by status, as `availability` tells it. */
  get sectionA(): Readonly<Record<'free' | 'held' | 'sold', number>> {
    const { sections } = this.grid.query('availability', { eventId: 'concert' })
    const { free = 0, held = 0, sold = 0 } = sections.find(({ section }) => section === 'A') ?? {}
    return { free, held, sold }
  }

  /** Names of the domain events since the event was created. */
  get told(): string[] {
    return this.grid.events.slice(1).map(({ name }) => name)
  }
}

export const concert = {
  eventId: 'concert',
  name: 'Concert',
  startsAt: 1_900_000_000_000,
  sections: [
    { section: 'A', rows: 3, seatsPerRow: 10, price: 4500 },
    { section: 'B', rows: 2, seatsPerRow: 5, price: 2000 },
  ],
}

export const best = (section: string, quantity: number, customerId: string) => ({
  eventId: 'concert',
  section,
  quantity,
  customerId,
})
