import { SpaceHarness } from 'spacegrid/testing'
import { auction } from './space.ts'

/** How long the auction is open, ms. */
export const openMs = 60_000

export interface BidAnswer {
  readonly auctionId: string
  readonly number: number
  readonly amount: number
  readonly leastAmount: number
}

/** For tests: one auction, `painting`, that starts at 100.00 and goes up by 5.00, with its commands under short names. */
export class SaleRoom {
  readonly grid = new SpaceHarness(auction)
  readonly endsAt = this.grid.now + openMs

  constructor() {
    this.grid.execute('openAuction', { ...painting, endsAt: this.endsAt })
  }

  bid(bidderId: string, amount: number): BidAnswer {
    return this.grid.execute('placeBid', { auctionId: 'painting', bidderId, amount })
  }

  close(): unknown {
    return this.grid.execute('closeAuction', { auctionId: 'painting' })
  }

  query<Result = unknown>(name: string, input: object = {}): Result {
    return this.grid.query(name, { auctionId: 'painting', ...input })
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
