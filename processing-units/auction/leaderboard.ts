import { defineProjection } from 'spacegrid'
import { type Bid, bids } from './bids.ts'

/** So many bidders of an auction are on its leaderboard. */
export const leadersMax = 100

/** A bidder with the highest of their bids. */
export type Leader = Pick<Bid, 'bidderId' | 'amount'>

/** Auction id → its top bidders, highest first. */
export type Leaderboard = Map<string, Leader[]>

/**
 * The top bidders of each auction, each once. It keeps no more than it shows: bids are never taken
 * back, so whoever drops off the board can return only by a higher bid. Holds whatever the order in
 * which a unit learns of the bids.
 */
export const leaderboard = defineProjection('leaderboard', {
  cache: bids,
  initial: (): Leaderboard => new Map(),
  apply(model, { after: bid }) {
    if (!bid) return
    let leaders = model.get(bid.auctionId)
    if (!leaders) {
      leaders = []
      model.set(bid.auctionId, leaders)
    }
    enter(leaders, bid)
  },
})

function enter(leaders: Leader[], { bidderId, amount }: Bid): void {
  const own = leaders.findIndex((leader) => leader.bidderId === bidderId)
  if (own >= 0) {
    if ((leaders[own] as Leader).amount >= amount) return
    leaders.splice(own, 1)
  }
  const above = leaders.findIndex((leader) => leader.amount < amount)
  leaders.splice(above < 0 ? leaders.length : above, 0, { bidderId, amount })
  if (leaders.length > leadersMax) leaders.pop()
}
