import type { ResultOf } from 'spacegrid'
import { SpaceHarness } from 'spacegrid/testing'
import type { placeBid } from './commands.ts'
import { auction } from './space.ts'

export type BidAnswer = ResultOf<typeof placeBid>

/** How long the auction is open, ms. */
export const openMs = 60_000

/**
 * For tests: one auction, `painting`, that starts at 100.00 and goes up by 5.00, with its commands
 * under short names.
 */
export class SaleRoom {
  readonly grid = new SpaceHarness(auction)
  readonly endsAt = this.grid.now + openMs

  constructor() {
    this.grid.execute('openAuction', { ...painting, endsAt: this.endsAt })
  }

  bid(bidderId: string, amount: number): BidAnswer {
    return this.grid.execute('placeBid', { auctionId: 'painting', bidderId, amount })
  }

  close() {
    return this.grid.execute('closeAuction', { auctionId: 'painting' })
  }

  /** Names of the domain events since the auction was opened. */
  get told(): string[] {
    return this.grid.events.slice(1).map(({ name }) => name)
  }
}

export const painting = {
  auctionId: 'painting',
  title: 'Painting',
  startingPrice: 10_000,
  minimumIncrement: 500,
}
