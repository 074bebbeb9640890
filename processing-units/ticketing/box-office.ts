import { SpaceHarness } from 'spacegrid/testing'
import { createTicketing } from './space.ts'

export const holdMs = 120_000

export interface HoldAnswer {
  readonly holdId: string
  readonly expiresAt: number
  readonly total: number
}

export interface BestAnswer extends HoldAnswer {
  readonly seatIds: readonly string[]
}

/** For tests: one event, `concert`, with its commands under short names. Section A is 3 rows of 10 seats, section B 2 of 5. */
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
    const input = { holdId, paymentReference }
    return this.grid.execute<{ orderId: string }>('confirmHold', input).orderId
  }

  release(holdId: string): readonly string[] {
    return this.grid.execute<{ seatIds: string[] }>('releaseHold', { holdId }).seatIds
  }

  cancel(orderId: string): readonly string[] {
    return this.grid.execute<{ seatIds: string[] }>('cancelOrder', { orderId }).seatIds
  }

  /** Section A by status, as `availability` tells it. */
  get sectionA(): Readonly<Record<'free' | 'held' | 'sold', number>> {
    const { sections } = this.grid.query<{
      sections: { section: string; free: number; held: number; sold: number }[]
    }>('availability', { eventId: 'concert' })
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
