import { defineQuery, type Reader, Type } from 'spacegrid'
import { type Auction, auctions, leastAmount, publicAuction } from './auctions.ts'
import { bids as bidsCache } from './bids.ts'
import { amount, auctionId, bidderId, time } from './fields.ts'
import { leaderboard as leaderboardProjection, leadersMax } from './leaderboard.ts'

const bidsPerPageMax = 1000

export const auction = defineQuery('auction', {
  description: 'An auction, with the least amount of the next bid.',
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
    'The bids of an auction, newest first, a page at a time: `before` is the `next` of the page before.',
  input: Type.Object({
    auctionId,
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Bids with lower numbers only' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: bidsPerPageMax, default: 50, description: 'Default 50' }),
    ),
  }),
  partitionBy: 'auctionId',
  result: Type.Object({
    auctionId,
    bids: Type.Array(Type.Object({ number: Type.Integer(), bidderId, amount, placedAt: time })),
    next: Type.Optional(Type.Integer({ description: 'There while there are older bids' })),
  }),
  handler(read, { auctionId, before, limit = 50 }) {
    auctionOf(read, auctionId)
    const page = read.range(bidsCache, 'byAuction', {
      equals: [auctionId],
      ...(before === undefined ? {} : { before }),
      reverse: true,
      limit,
    })
    const shown = page.map(({ number, bidderId, amount, placedAt }) => ({
      number,
      bidderId,
      amount,
      placedAt,
    }))
    const oldest = shown.at(-1)?.number ?? 1
    return { auctionId, bids: shown, ...(oldest > 1 ? { next: oldest } : {}) }
  },
})

export const leaderboard = defineQuery('leaderboard', {
  description: 'The top bidders of an auction, each with their highest bid, highest first.',
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
