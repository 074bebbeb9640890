import type { ResultOf } from 'spacegrid'
import { describe, expect, test } from 'vitest'
import { leadersMax } from './leaderboard.ts'
import type { bids as bidsQuery } from './queries.ts'
import { SaleRoom } from './sale-room.ts'

const auctionId = 'painting'
const notFound = expect.objectContaining({ code: 'not_found' })

type Page = ResultOf<typeof bidsQuery>

function roomWithBids(bidders: readonly string[]): SaleRoom {
  const room = new SaleRoom()
  bidders.forEach((bidder, i) => {
    room.bid(bidder, 10_000 + i * 500)
  })
  return room
}

describe('auction', () => {
  test('tells what the next bid must have', () => {
    const room = new SaleRoom()
    expect(room.grid.query('auction', { auctionId })).toMatchObject({
      status: 'open',
      bids: 0,
      leastAmount: 10_000,
    })
    room.bid('ann', 12_345)
    expect(room.grid.query('auction', { auctionId })).toMatchObject({
      highestBid: 12_345,
      leastAmount: 12_845,
    })
  })

  test.each(['auction', 'bids', 'leaderboard'] as const)('%s tells what there is not', (name) => {
    expect(() => new SaleRoom().grid.query(name, { auctionId: 'vase' })).toThrow(notFound)
  })
})

describe('bids', () => {
  test('are listed newest first', () => {
    const room = roomWithBids(['ann', 'bob'])
    expect(room.grid.query('bids', { auctionId })).toEqual({
      auctionId: 'painting',
      bids: [
        { number: 2, bidderId: 'bob', amount: 10_500, placedAt: room.grid.now },
        { number: 1, bidderId: 'ann', amount: 10_000, placedAt: room.grid.now },
      ],
    })
    expect(new SaleRoom().grid.query('bids', { auctionId })).toEqual({
      auctionId: 'painting',
      bids: [],
    })
  })

  test('come in pages that stay in place while new bids arrive', () => {
    const room = roomWithBids(['ann', 'bob', 'ann', 'bob', 'ann'])
    const page = (before?: number) =>
      room.grid.query('bids', { auctionId, limit: 2, ...(before === undefined ? {} : { before }) })
    const numbers = ({ bids }: Page) => bids.map(({ number }) => number)
    const first = page()
    expect([numbers(first), first.next]).toEqual([[5, 4], 4])
    room.bid('eve', 50_000)
    const second = page(first.next)
    expect([numbers(second), second.next]).toEqual([[3, 2], 2])
    const third = page(second.next)
    expect([numbers(third), third.next]).toEqual([[1], undefined])
  })
})

describe('leaderboard', () => {
  test('shows each bidder once, with the highest bid, highest first', () => {
    const room = roomWithBids(['ann', 'bob', 'eve', 'ann'])
    expect(room.grid.query('leaderboard', { auctionId })).toEqual({
      auctionId: 'painting',
      bidders: [
        { bidderId: 'ann', amount: 11_500 },
        { bidderId: 'eve', amount: 11_000 },
        { bidderId: 'bob', amount: 10_500 },
      ],
    })
    expect(room.grid.query('leaderboard', { auctionId, limit: 1 })).toMatchObject({
      bidders: [{ bidderId: 'ann' }],
    })
    expect(new SaleRoom().grid.query('leaderboard', { auctionId })).toMatchObject({ bidders: [] })
  })

  test('whoever has dropped off returns with a higher bid', () => {
    const bidders = Array.from({ length: leadersMax + 1 }, (_, i) => `bidder-${i}`)
    const room = roomWithBids([...bidders, 'bidder-0'])
    const { bidders: top } = room.grid.query('leaderboard', { auctionId, limit: leadersMax })
    expect(top).toHaveLength(leadersMax)
    expect(top[0]?.bidderId).toBe('bidder-0')
    expect(top.at(-1)?.bidderId).toBe('bidder-2')
  })
})
