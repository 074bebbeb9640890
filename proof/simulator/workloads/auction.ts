import { auction as space } from '@spacegrid/auction/space'
import { command, query, type Workload } from './workload.ts'

/** The auction of the product itself: one hot entry that every bid reads and writes. */
export const auction: Workload = {
  name: 'auction',
  description: 'the real auction space: many bidders on few auctions that close by themselves',
  space,
  setup: [
    command('openAuction', {
      auctionId: 'a0',
      title: 'Painting',
      startingPrice: 100,
      minimumIncrement: 5,
      endsAt: 1_900_000_000_000,
    }),
  ],
  next: (random, _, nowMs) => {
    const auctionId = `a${Math.min(random.below(4), random.below(4))}`
    const luck = random.below(100)
    if (luck < 12)
      return command('openAuction', {
        ...{ auctionId, title: 'Vase', startingPrice: 10, minimumIncrement: 1 },
        endsAt: Math.floor(nowMs) + 500 + random.below(4000),
      })
    if (luck < 70)
      return command('placeBid', {
        ...{ auctionId, bidderId: `bidder-${random.below(5)}` },
        amount: 100 + random.below(2000),
      })
    if (luck < 74) return command('closeAuction', { auctionId })
    if (luck < 83) return query('auction', { auctionId })
    if (luck < 92) return query('bids', { auctionId, limit: 1 + random.below(5) })
    return query('leaderboard', { auctionId })
  },
  invariants: (model) => {
    const problems: string[] = []
    for (const { auctionId, bids, highestBid } of model.entries('auctions').values()) {
      const placed = [...model.entries('bids').values()]
        .filter((bid) => bid.auctionId === auctionId)
        .sort((a, b) => (a.number as number) - (b.number as number))
      if (placed.length !== bids)
        problems.push(`${auctionId} counts ${bids} of ${placed.length} bids`)
      placed.forEach(({ number, amount }, at) => {
        const least = (placed[at - 1]?.amount ?? 0) as number
        if (number !== at + 1 || (amount as number) <= least)
          problems.push(`bid ${number} of ${auctionId} is ${amount}, after ${least}`)
      })
      if (placed.length > 0 && placed.at(-1)?.amount !== highestBid)
        problems.push(`${auctionId} shows ${highestBid}, the last bid is ${placed.at(-1)?.amount}`)
    }
    return problems
  },
}
