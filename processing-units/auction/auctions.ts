import { defineCache, type Static, type Transaction, Type } from 'spacegrid'
import { amount, auctionId, bidderId, increment, time, title } from './fields.ts'

const fields = {
  auctionId,
  title,
  startingPrice: amount,
  minimumIncrement: increment,
  endsAt: time,
  status: Type.Enum(['open', 'closed'], { type: 'string' }),
  bids: Type.Integer({ minimum: 0, description: 'How many have been placed' }),
  highestBid: Type.Optional(amount),
  highestBidderId: Type.Optional(bidderId),
  closedAt: Type.Optional(time),
}

/** An auction as queries answer it. */
export const publicAuction = Type.Object(fields)

const auction = Type.Object({ ...fields, closesAt: Type.Optional(time) })

export type Auction = Static<typeof auction>

/**
 * The hot entry: every bid reads it, to be compared with the highest one so far, and changes it.
 * That is what operations cannot express; bids on one auction follow one another.
 *
 * Expiry is for entries that go, but an auction stays: `closesAt` is `endsAt` while it is open and
 * gone once it is closed.
 */
export const auctions = defineCache('auctions', {
  schema: auction,
  key: 'auctionId',
  partitionBy: 'auctionId',
  expiry: 'closesAt',
  onExpire: close,
  readable: true,
  access: 'public',
})

/** Closes an open auction; the highest bidder has won. Returns what it has become. */
export function close(tx: Transaction, open: Auction): Auction & { readonly closedAt: number } {
  const { closesAt: _, ...rest } = open
  const closed = { ...rest, status: 'closed', closedAt: tx.now } as const
  tx.put(auctions, closed)
  tx.emit('AuctionClosed', { auctionId: open.auctionId, bids: open.bids, ...winnerOf(open) })
  return closed
}

/** Nobody, when nobody has bid. */
export const winnerOf = ({ highestBid, highestBidderId }: Auction) =>
  highestBid === undefined || highestBidderId === undefined
    ? {}
    : { winnerId: highestBidderId, amount: highestBid }

/** The least amount the next bid must have. */
export const leastAmount = ({ highestBid, startingPrice, minimumIncrement }: Auction): number =>
  highestBid === undefined ? startingPrice : highestBid + minimumIncrement
