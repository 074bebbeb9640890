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

/** The space of auctions: open to bids until their time has come or somebody closes them. */
export const auction = defineSpace('auction', {
  description: 'Auctions: every bid higher than the one before, in one order for everyone.',
  caches: [auctions, bids],
  commands: [openAuction, placeBid, closeAuction],
  queries: [auctionQuery, bidsQuery, leaderboardQuery],
  projections: [leaderboard],
})

export type Auctions = typeof auction
