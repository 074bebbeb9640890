import fc from 'fast-check'
import { Rejection } from 'spacegrid'
import type { StartedCommand } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { auctions } from './auctions.ts'
import { type Bid, bids } from './bids.ts'
import { leaderboard } from './leaderboard.ts'
import { type BidAnswer, openMs, painting, SaleRoom } from './sale-room.ts'

const unit = fc.constantFrom('one', 'two', 'three')
const bidderId = fc.constantFrom('ann', 'bob', 'eve')

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('bid' as const),
      unit,
      bidderId,
      amount: fc.integer({ min: 18, max: 60 }).map((steps) => steps * 500),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('meld' as const), unit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), unit }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, openMs / 2),
      expire: fc.boolean(),
    }),
  },
)

/** What is wrong with the auction and its bids, by everything that holds at all times. */
function expectSound({ grid }: SaleRoom): void {
  const placed = bidsInOrder(grid.entries(bids))
  const auction = grid.read.get(auctions, 'painting')
  const last = placed.at(-1)
  expect(auction).toMatchObject({ bids: placed.length })
  expect([auction?.highestBid, auction?.highestBidderId]).toEqual([last?.amount, last?.bidderId])
  let least = painting.startingPrice
  for (const [i, { number, amount, placedAt }] of placed.entries()) {
    expect(number).toBe(i + 1)
    expect(amount).toBeGreaterThanOrEqual(least)
    expect(placedAt).toBeLessThan(auction?.endsAt ?? 0)
    least = amount + painting.minimumIncrement
  }
  const range = { equals: ['painting'], reverse: true } as const
  expect(grid.read.range(leaderboard, 'byAmount', range)).toEqual(recounted(placed))
}

const bidsInOrder = (all: readonly Bid[]): Bid[] => [...all].sort((a, b) => a.number - b.number)

function recounted(placed: readonly Bid[]) {
  const highest = new Map(placed.map(({ bidderId, amount }) => [bidderId, amount]))
  return [...highest]
    .map(([bidderId, amount]) => ({ auctionId: 'painting', bidderId, amount }))
    .sort((a, b) => b.amount - a.amount)
}

function answered(started: readonly StartedCommand<BidAnswer>[]): BidAnswer[] {
  return started.flatMap((bid) => {
    try {
      return [bid.result()]
    } catch (error) {
      if (error instanceof Rejection) return []
      throw error
    }
  })
}

// architecture.md, section 2 "Consistency promised".
test('whatever the interleaving of units, bids rise and the last one has won', {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 40 }), (actions) => {
      const room = new SaleRoom()
      const started: StartedCommand<BidAnswer>[] = []
      for (const action of actions) {
        if (action.kind === 'wait') room.grid.advance(action.ms, { expire: action.expire })
        else if (action.kind === 'meld') room.grid.unit(action.unit).meld()
        else if (action.kind === 'expire') room.grid.unit(action.unit).expire()
        else {
          const { unit, bidderId, amount } = action
          const input = { auctionId: 'painting', bidderId, amount }
          started.push(room.grid.unit(unit).start('placeBid', input))
        }
        expectSound(room)
      }
      room.grid.settle()
      room.grid.advance(openMs)
      expectSound(room)
      const placed = bidsInOrder(room.grid.entries(bids))
      // Every bid that was accepted is there, and no other.
      const told = answered(started).sort((a, b) => a.number - b.number)
      expect(told.map(({ number, amount }) => [number, amount])).toEqual(
        placed.map(({ number, amount }) => [number, amount]),
      )
      expect(room.told.filter((name) => name === 'AuctionClosed')).toHaveLength(1)
      expect(room.grid.read.get(auctions, 'painting')?.status).toBe('closed')
    }),
    { numRuns: 500 },
  )
})
