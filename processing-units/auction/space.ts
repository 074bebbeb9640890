import { defineSpace } from 'spacegrid'
import { auctions } from './auctions.ts'
import { bids } from './bids.ts'
import { closeAuction, openAuction, placeBid } from './commands.ts'
import { leaderboard } from './leaderboard.ts'
import {
  auction as auctionQuery,
  bids as bidsQuery,
  leaderboard as leaderboardQuery,
} from './queries.ts'
import { readAuctionSettings } from './settings.ts'

export interface AuctionOptions {
  /** Among which the auctions are divided. Default 1. */
  readonly partitions?: number
}

/** The space of auctions: open to bids until their time has come or somebody closes them. */
export function createAuction({ partitions = 1 }: AuctionOptions = {}) {
  return defineSpace('auction', {
    description: 'Auctions: every bid higher than the one before, in one order for everyone.',
    partitions,
    caches: [auctions, bids],
    commands: [openAuction, placeBid, closeAuction],
    queries: [auctionQuery, bidsQuery, leaderboardQuery],
    projections: [leaderboard],
    readableEvents: true,
    access: { events: 'public', past: ['operator'], admin: ['operator'] },
  })
}

/** As this process is set up (settings.ts). */
export const auction = createAuction(readAuctionSettings())

export type Auctions = typeof auction
