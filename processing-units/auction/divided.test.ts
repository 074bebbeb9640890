import { SpaceHarness } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { bids } from './bids.ts'
import { openMs, painting } from './sale-room.ts'
import { readAuctionSettings } from './settings.ts'
import { createAuction } from './space.ts'

const auctionIds = Array.from({ length: 12 }, (_, n) => `painting-${n}`)

test.each([1, 4, 16])('auctions in %d partitions are sold as in one', (partitions) => {
  const grid = new SpaceHarness(createAuction({ partitions }))
  const endsAt = grid.now + openMs
  for (const auctionId of auctionIds)
    grid.execute('openAuction', { ...painting, auctionId, endsAt })
  for (const [n, auctionId] of auctionIds.entries()) {
    const bid = (bidderId: string, amount: number) =>
      grid.execute('placeBid', { auctionId, bidderId, amount })
    bid('ann', 10_000 + n)
    bid('bob', 20_000 + n)
    expect(() => bid('ann', 20_000 + n)).toThrow('bid_too_low')
    expect(grid.query('leaderboard', { auctionId }).bidders).toEqual([
      { bidderId: 'bob', amount: 20_000 + n },
      { bidderId: 'ann', amount: 10_000 + n },
    ])
    expect(grid.query('bids', { auctionId }).bids.map(({ number }) => number)).toEqual([2, 1])
  }
  const [first] = auctionIds as [string]
  expect(grid.execute('closeAuction', { auctionId: first })).toMatchObject({ winnerId: 'bob' })
  grid.advance(openMs)
  for (const [n, auctionId] of auctionIds.entries())
    expect(grid.query('auction', { auctionId })).toMatchObject({
      status: 'closed',
      highestBid: 20_000 + n,
    })
  expect(grid.entries(bids)).toHaveLength(24)
  expect(grid.events.filter(({ name }) => name === 'AuctionClosed')).toHaveLength(12)
  expect(grid.faults).toEqual([])
})

test('PARTITIONS divides the auctions', () => {
  expect(readAuctionSettings({})).toEqual({ partitions: 1 })
  expect(readAuctionSettings({ PARTITIONS: '16' })).toEqual({ partitions: 16 })
  expect(() => readAuctionSettings({ PARTITIONS: '0' })).toThrow(
    'PARTITIONS="0": allowed is an integer from 1 to 1024',
  )
})
