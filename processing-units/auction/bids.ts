import { defineCache, type Static, Type } from 'spacegrid'
import { amount, auctionId, bidderId, time } from './fields.ts'

const bid = Type.Object({
  key: Type.String({ description: '{auctionId}/{number}' }),
  auctionId,
  number: Type.Integer({ minimum: 1, description: 'Counts the bids of an auction' }),
  bidderId,
  amount,
  placedAt: time,
})

export type Bid = Static<typeof bid>

/**
 * Every accepted bid, for good. Later ones of an auction have higher numbers and higher amounts.
 */
export const bids = defineCache('bids', {
  schema: bid,
  key: 'key',
  // Auction ids hold no slash.
  partitionBy: { prefixOf: 'key', until: '/' },
  indexes: { byAuction: ['auctionId', 'number'] },
})
