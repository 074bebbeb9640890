import { defineCommand, type Transaction, Type } from 'spacegrid'
import { type Auction, auctions, close, leastAmount, winnerOf } from './auctions.ts'
import { bids } from './bids.ts'
import { amount, auctionId, bidderId, increment, time, timeOrDate, title, toMs } from './fields.ts'

export const openAuction = defineCommand('openAuction', {
  description:
    'Opens an auction for bids until endsAt. Rejected: auction_exists, ends_in_past (error.now).',
  access: ['auctioneer'],
  input: Type.Object({
    auctionId,
    title,
    startingPrice: amount,
    minimumIncrement: increment,
    endsAt: timeOrDate,
  }),
  partitionBy: 'auctionId',
  rejections: ['auction_exists', 'ends_in_past'],
  result: Type.Object({ auctionId, endsAt: time }),
  handler(tx, { auctionId, title, startingPrice, minimumIncrement, endsAt: end }) {
    const endsAt = toMs(end)
    if (tx.get(auctions, auctionId)) tx.reject('auction_exists', { auctionId })
    if (endsAt <= tx.now) tx.reject('ends_in_past', { endsAt, now: tx.now })
    const auction: Auction = {
      auctionId,
      title,
      startingPrice,
      minimumIncrement,
      endsAt,
      status: 'open',
      bids: 0,
      closesAt: endsAt,
    }
    tx.put(auctions, auction)
    tx.emit('AuctionOpened', { auctionId, title, startingPrice, minimumIncrement, endsAt })
    return { auctionId, endsAt }
  },
})

/** The highest bidder may raise the own bid: how much to offer is nobody else's decision. */
export const placeBid = defineCommand('placeBid', {
  description:
    'Places a bid: the starting price or more, later the highest bid and the minimum increment or more. Rejected: auction_not_found, auction_closed, bid_too_low (error.leastAmount).',
  access: ['bidder'],
  input: Type.Object({ auctionId, bidderId, amount }),
  partitionBy: 'auctionId',
  affinity: 'auctionId',
  rejections: ['auction_not_found', 'auction_closed', 'bid_too_low'],
  result: Type.Object({
    auctionId,
    number: Type.Integer({ description: 'Of the bid among those of its auction' }),
    amount,
    leastAmount: Type.Integer({ description: 'What the next bid must have, minor units' }),
  }),
  handler(tx, { auctionId, bidderId, amount }) {
    const auction = auctionOf(tx, auctionId)
    // Over is over at endsAt, whether or not anyone has closed the auction by then.
    if (auction.status === 'closed' || tx.now >= auction.endsAt)
      tx.reject('auction_closed', { auctionId, endsAt: auction.endsAt })
    const least = leastAmount(auction)
    if (amount < least) tx.reject('bid_too_low', { auctionId, leastAmount: least })
    const number = auction.bids + 1
    const raised = { ...auction, bids: number, highestBid: amount, highestBidderId: bidderId }
    const key = `${auctionId}/${number}`
    tx.put(auctions, raised)
    tx.put(bids, { key, auctionId, number, bidderId, amount, placedAt: tx.now })
    tx.emit('BidPlaced', { auctionId, number, bidderId, amount })
    return { auctionId, number, amount, leastAmount: leastAmount(raised) }
  },
})

/**
 * Idempotent by nature: it may have closed by itself a moment before, and to whoever wants it
 * closed that is the same.
 */
export const closeAuction = defineCommand('closeAuction', {
  description:
    'Closes an auction before its time; a closed one stays as it is. Rejected: auction_not_found.',
  access: ['auctioneer'],
  input: Type.Object({ auctionId }),
  partitionBy: 'auctionId',
  rejections: ['auction_not_found'],
  result: Type.Object({
    auctionId,
    closedAt: time,
    bids: Type.Integer(),
    winnerId: Type.Optional(bidderId),
    amount: Type.Optional(amount),
  }),
  handler(tx, { auctionId }) {
    const auction = auctionOf(tx, auctionId)
    const { closedAt = close(tx, auction).closedAt, bids } = auction
    return { auctionId, closedAt, bids, ...winnerOf(auction) }
  },
})

function auctionOf(tx: Transaction, auctionId: string): Auction {
  return tx.get(auctions, auctionId) ?? tx.reject('auction_not_found', { auctionId })
}
