import { defineProjection } from 'spacegrid'
import { bids } from './bids.ts'

/** So many bidders of an auction are shown at most. */
export const leadersMax = 100

/** Every bidder of an auction with the highest of their bids; `byAmount` ranks them. */
export const leaderboard = defineProjection('leaderboard', {
  description: 'The highest bid of each bidder in each auction.',
  access: 'public',
  of: bids,
  groupBy: ['auctionId', 'bidderId'],
  values: ({ max }) => ({ amount: max('amount') }),
  indexes: { byAmount: ['auctionId', 'amount'] },
  readable: true,
  partitionBy: 'auctionId',
})
