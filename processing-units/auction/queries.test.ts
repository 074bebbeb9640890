import { describe, expect, test } from 'vitest'
import { bids } from './bids.ts'
import { leaderboard, leadersMax } from './leaderboard.ts'
import { SaleRoom } from './sale-room.ts'

const notFound = expect.objectContaining({ code: 'not_found' })

interface Page {
  readonly bids: readonly { readonly number: number }[]
  readonly next?: number
}

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
    expect(room.query('auction')).toMatchObject({ status: 'open', bids: 0, leastAmount: 10_000 })
    room.bid('ann', 12_345)
    expect(room.query('auction')).toMatchObject({ highestBid: 12_345, leastAmount: 12_845 })
  })

  test.each([['auction'], ['bids'], ['leaderboard']])('%s tells what there is not', (name) => {
    expect(() => new SaleRoom().query(name, { auctionId: 'vase' })).toThrow(notFound)
  })
})

describe('bids', () => {
  test('are listed newest first', () => {
    const room = roomWithBids(['ann', 'bob'])
    expect(room.query('bids')).toEqual({
      auctionId: 'painting',
      bids: [
        { number: 2, bidderId: 'bob', amount: 10_500, placedAt: room.grid.now },
        { number: 1, bidderId: 'ann', amount: 10_000, placedAt: room.grid.now },
      ],
    })
    expect(new SaleRoom().query('bids')).toEqual({ auctionId: 'painting', bids: [] })
  })

  test('come in pages that stay in place while new bids arrive', () => {
    const room = roomWithBids(['ann', 'bob', 'ann', 'bob', 'ann'])
    const page = (input: object) => room.query<Page>('bids', { limit: 2, ...input })
    const numbers = ({ bids }: Page) => bids.map(({ number }) => number)
    const first = page({})
    expect([numbers(first), first.next]).toEqual([[5, 4], 4])
    room.bid('eve', 50_000)
    const second = page({ before: first.next })
    expect([numbers(second), second.next]).toEqual([[3, 2], 2])
    const third = page({ before: second.next })
    expect([numbers(third), third.next]).toEqual([[1], undefined])
  })
})

describe('leaderboard', () => {
  test('shows each bidder once, with the highest bid, highest first', () => {
    const room = roomWithBids(['ann', 'bob', 'eve', 'ann'])
    expect(room.query('leaderboard')).toEqual({
      auctionId: 'painting',
      bidders: [
        { bidderId: 'ann', amount: 11_500 },
        { bidderId: 'eve', amount: 11_000 },
        { bidderId: 'bob', amount: 10_500 },
      ],
    })
    expect(room.query('leaderboard', { limit: 1 })).toMatchObject({
      bidders: [{ bidderId: 'ann' }],
    })
    expect(new SaleRoom().query('leaderboard')).toMatchObject({ bidders: [] })
  })

  test('whoever has dropped off returns with a higher bid', () => {
    const bidders = Array.from({ length: leadersMax + 1 }, (_, i) => `bidder-${i}`)
    const room = roomWithBids([...bidders, 'bidder-0'])
    const { bidders: top } = room.query<{ bidders: { bidderId: string }[] }>('leaderboard', {
      limit: leadersMax,
    })
    expect(top).toHaveLength(leadersMax)
    expect(top[0]?.bidderId).toBe('bidder-0')
    expect(top.at(-1)?.bidderId).toBe('bidder-2')
  })

  test('is the same in whatever order a unit learns of the bids', () => {
    const room = roomWithBids(['ann', 'bob', 'eve', 'ann', 'eve'])
    const newestFirst = room.grid.entries(bids).sort((a, b) => b.number - a.number)
    const model = leaderboard.initial()
    for (const bid of newestFirst)
      leaderboard.apply(model, { key: bid.key, before: undefined, after: bid })
    expect(model).toEqual(room.grid.read.projection(leaderboard))
  })
})
