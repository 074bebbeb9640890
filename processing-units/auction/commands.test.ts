import { SpaceHarness } from 'spacegrid/testing'
import { describe, expect, test } from 'vitest'
import { auctions } from './auctions.ts'
import { openMs, painting, SaleRoom } from './sale-room.ts'
import { auction } from './space.ts'

const auctionId = 'painting'
const rejected = (reason: string, details?: object) =>
  expect.objectContaining(details === undefined ? { reason } : { reason, details })
const invalid = expect.objectContaining({ code: 'invalid_input' })

describe('openAuction', () => {
  test('opens an auction for bids', () => {
    const { grid, endsAt } = new SaleRoom()
    expect(grid.read.get(auctions, 'painting')).toEqual({
      ...painting,
      endsAt,
      status: 'open',
      bids: 0,
      closesAt: endsAt,
    })
    expect(grid.events).toEqual([{ name: 'AuctionOpened', payload: { ...painting, endsAt } }])
  })

  test('the end may be a date and time', () => {
    const grid = new SpaceHarness(auction)
    const endsAt = '2030-06-01T20:00:00Z'
    expect(grid.execute('openAuction', { ...painting, endsAt })).toEqual({
      auctionId: 'painting',
      endsAt: Date.UTC(2030, 5, 1, 20),
    })
  })

  test('an auction id is used once, and the end is to come', () => {
    const { grid, endsAt } = new SaleRoom()
    const open = (changes: object) => () =>
      grid.execute('openAuction', { ...painting, endsAt, ...changes })
    expect(open({})).toThrow(rejected('auction_exists', { auctionId: 'painting' }))
    const now = grid.now
    expect(open({ auctionId: 'vase', endsAt: now })).toThrow(
      rejected('ends_in_past', { endsAt: now, now }),
    )
  })

  test.each([
    ['a slash in the id', { auctionId: 'a/b' }],
    ['no increment', { minimumIncrement: 0 }],
    ['half a cent', { startingPrice: 0.5 }],
    ['no such date', { endsAt: '2030-02-31T20:00:00Z' }],
    ['an empty title', { title: '' }],
  ])('refuses %s', (_, changes) => {
    const { grid, endsAt } = new SaleRoom()
    const input = { ...painting, auctionId: 'vase', endsAt, ...changes }
    expect(() => grid.execute('openAuction', input)).toThrow(invalid)
  })
})

describe('placeBid', () => {
  test('the first bid needs the starting price, later ones the increment more', () => {
    const room = new SaleRoom()
    const leastAmount = (least: number) =>
      rejected('bid_too_low', { auctionId: 'painting', leastAmount: least })
    expect(() => room.bid('ann', 9_999)).toThrow(leastAmount(10_000))
    expect(room.bid('ann', 10_000)).toEqual({
      auctionId: 'painting',
      number: 1,
      amount: 10_000,
      leastAmount: 10_500,
    })
    expect(() => room.bid('bob', 10_499)).toThrow(leastAmount(10_500))
    room.bid('bob', 10_500)
    room.bid('bob', 20_000)
    expect(() => room.bid('ann', 20_000)).toThrow(leastAmount(20_500))
    expect(room.grid.query('auction', { auctionId })).toMatchObject({
      bids: 3,
      highestBid: 20_000,
      highestBidderId: 'bob',
    })
    expect(room.grid.events.at(-1)).toEqual({
      name: 'BidPlaced',
      payload: { auctionId: 'painting', number: 3, bidderId: 'bob', amount: 20_000 },
    })
  })

  test('tells an auction that there is not, and what is no amount', () => {
    const { grid } = new SaleRoom()
    const bid = (changes: object) => () =>
      grid.execute('placeBid', {
        auctionId: 'painting',
        bidderId: 'ann',
        amount: 10_000,
        ...changes,
      })
    expect(bid({ auctionId: 'vase' })).toThrow(rejected('auction_not_found', { auctionId: 'vase' }))
    for (const amount of [-1, 0.5, 2e12, '10000', null]) expect(bid({ amount })).toThrow(invalid)
  })

  test('two units take a bid of the same amount: one counts, the other is told the new least', () => {
    const { grid } = new SaleRoom()
    const bid = (unit: string) =>
      grid.unit(unit).start('placeBid', { auctionId: 'painting', bidderId: unit, amount: 10_000 })
    const first = bid('one')
    const second = bid('two')
    grid.settle()
    first.result()
    expect(() => second.result()).toThrow(
      rejected('bid_too_low', { auctionId: 'painting', leastAmount: 10_500 }),
    )
  })

  test('bids of one unit follow one another without collisions', () => {
    const { grid } = new SaleRoom()
    const amounts = [10_000, 10_500, 11_000, 11_500]
    const bids = amounts.map((amount) =>
      grid.unit('one').start('placeBid', { auctionId: 'painting', bidderId: 'ann', amount }),
    )
    grid.settle()
    expect(bids.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1])
  })
})

describe('the end of an auction', () => {
  test('it closes by itself at its time, not before, and stays', () => {
    const room = new SaleRoom()
    room.bid('ann', 10_000)
    room.grid.advance(openMs - 1)
    room.bid('bob', 10_500)
    room.grid.advance(1)
    expect(room.grid.query('auction', { auctionId })).toEqual({
      ...painting,
      endsAt: room.endsAt,
      status: 'closed',
      closedAt: room.endsAt,
      bids: 2,
      highestBid: 10_500,
      highestBidderId: 'bob',
      leastAmount: 11_000,
    })
    expect(room.grid.events.at(-1)).toEqual({
      name: 'AuctionClosed',
      payload: { auctionId: 'painting', bids: 2, winnerId: 'bob', amount: 10_500 },
    })
    room.grid.advance(365 * 24 * 60 * 60_000)
    expect(room.told).toEqual(['BidPlaced', 'BidPlaced', 'AuctionClosed'])
    expect(() => room.bid('eve', 99_999)).toThrow(
      rejected('auction_closed', { auctionId: 'painting', endsAt: room.endsAt }),
    )
  })

  test('it is over at its time, though nobody has closed it yet', () => {
    const room = new SaleRoom()
    room.grid.advance(openMs, { expire: false })
    expect(room.grid.read.get(auctions, 'painting')?.status).toBe('open')
    expect(() => room.bid('ann', 10_000)).toThrow(rejected('auction_closed'))
  })

  test('a bid and the closing meet: the bid counts, or it is told that it came too late', () => {
    for (const first of ['bidder', 'sweeper']) {
      const room = new SaleRoom()
      const { grid } = room
      grid.advance(openMs - 1)
      const input = { auctionId: 'painting', bidderId: 'ann', amount: 10_000 }
      const bid = grid.unit('bidder').start('placeBid', input)
      grid.advance(1, { expire: false })
      grid.unit('sweeper').expire()
      grid.unit(first).meld()
      grid.settle()
      const won = first === 'bidder'
      if (won) bid.result()
      else expect(() => bid.result()).toThrow(rejected('auction_closed'))
      expect(room.close()).toMatchObject({ bids: won ? 1 : 0 })
      expect(grid.events.at(-1)?.payload).toEqual({
        auctionId: 'painting',
        bids: won ? 1 : 0,
        ...(won ? { winnerId: 'ann', amount: 10_000 } : {}),
      })
    }
  })

  test('closeAuction ends it early; again it answers the same and changes nothing', () => {
    const room = new SaleRoom()
    room.bid('ann', 10_000)
    room.grid.advance(1_000)
    const closedAt = room.grid.now
    const outcome = { auctionId: 'painting', closedAt, bids: 1, winnerId: 'ann', amount: 10_000 }
    expect(room.close()).toEqual(outcome)
    room.grid.advance(openMs)
    expect(room.close()).toEqual(outcome)
    expect(room.told).toEqual(['BidPlaced', 'AuctionClosed'])
    expect(() => room.bid('bob', 20_000)).toThrow(rejected('auction_closed'))
  })

  test('an auction without bids has no winner', () => {
    const room = new SaleRoom()
    expect(room.close()).toEqual({ auctionId: 'painting', closedAt: room.grid.now, bids: 0 })
    expect(() => room.grid.execute('closeAuction', { auctionId: 'vase' })).toThrow(
      rejected('auction_not_found'),
    )
  })
})
