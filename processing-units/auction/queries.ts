import { defineQuery, type Reader, Type } from 'spacegrid'
import { type Auction, auctions, leastAmount, publicAuction } from './auctions.ts'
import { bids as bidsCache } from './bids.ts'
import { amount, auctionId, bidderId, time } from './fields.ts'
import { leaderboard as leaderboardProjection, leadersMax } from './leaderboard.ts'

const bidsPerPageMax = 1000

export const auction = defineQuery('auction', {
  description: 'An auction, with the least amount of the next bid.',
  access: 'public',
  input: Type.Object({ auctionId }),
  partitionBy: 'auctionId',
  result: Type.Object({
    ...publicAuction.properties,
    leastAmount: Type.Integer({ description: 'What the next bid must have, minor units (cents)' }),
  }),
  handler(read, { auctionId }) {
    const { closesAt: _, ...auction } = auctionOf(read, auctionId)
    return { ...auction, leastAmount: leastAmount(auction) }
  },
})

export const bids = defineQuery('bids', {
  description:
    'The bids of an auction, newest first, a page at a time: `cursor` is the `next` of the page before.',
  access: 'public',
  input: Type.Object({
    auctionId,
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: bidsPerPageMax, default: 50, description: 'Default 50' }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 10_000 })),
  }),
  partitionBy: 'auctionId',
  result: Type.Object({
    auctionId,
    bids: Type.Array(Type.Object({ number: Type.Integer(), bidderId, amount, placedAt: time })),
    next: Type.Optional(Type.String({ description: 'There while there are older bids' })),
  }),
  handler(read, { auctionId, limit = 50, cursor }) {
    auctionOf(read, auctionId)
    const { items, ...next } = read.page(bidsCache, 'byAuction', {
      equals: [auctionId],
      reverse: true,
      limit,
      cursor,
    })
    const shown = items.map(({ number, bidderId, amount, placedAt }) => ({
      number,
      bidderId,
      amount,
      placedAt,
    }))
    return { auctionId, bids: shown, ...next }
  },
})

export const leaderboard = defineQuery('leaderboard', {
  description: 'The top bidders of an auction, each with their highest bid, highest first.',
  access: 'public',
  input: Type.Object({
    auctionId,
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: leadersMax, default: 10, description: 'Default 10' }),
    ),
  }),
  partitionBy: 'auctionId',
  result: Type.Object({
    auctionId,
    bidders: Type.Array(Type.Object({ bidderId, amount })),
  }),
  handler(read, { auctionId, limit = 10 }) {
    auctionOf(read, auctionId)
    const range = { equals: [auctionId], reverse: true, limit } as const
    const leaders = read.range(leaderboardProjection, 'byAmount', range)
    return { auctionId, bidders: leaders.map(({ bidderId, amount }) => ({ bidderId, amount })) }
  },
})

function auctionOf(read: Reader, auctionId: string): Auction {
  return read.get(auctions, auctionId) ?? read.notFound(`There is no auction ${auctionId}`)
}
