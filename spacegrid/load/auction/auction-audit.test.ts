import { describe, expect, it } from 'vitest'
import { AuctionLedger, type AuctionObservation, auditAuction } from './auction-audit.ts'

const bid = (number: number, bidderId: string, amount: number) => ({ number, bidderId, amount })

/** Three acknowledged bids, and a grid that agrees. */
function books(): { ledger: AuctionLedger; observed: AuctionObservation } {
  const ledger = new AuctionLedger()
  const bids = [bid(1, 'ann', 100), bid(2, 'bob', 110), bid(3, 'ann', 150)]
  ledger.bids.push(...bids)
  return {
    ledger,
    observed: {
      bids,
      startingPrice: 100,
      minimumIncrement: 10,
      bidCount: 3,
      highestBid: 150,
      leader: { bidderId: 'ann', amount: 150 },
    },
  }
}

const failures = (ledger: AuctionLedger, observed: AuctionObservation): string[] =>
  auditAuction(ledger, observed)
    .filter(({ passed }) => !passed)
    .map(({ promise }) => promise)

describe('auditAuction', () => {
  it('passes when the grid says what the bidders were told', () => {
    const { ledger, observed } = books()
    expect(failures(ledger, observed)).toEqual([])
    const empty = { ...observed, bids: [], bidCount: 0, highestBid: undefined, leader: undefined }
    expect(failures(new AuctionLedger(), empty)).toEqual([])
  })

  it('finds an acknowledged bid that is missing or changed', () => {
    const { ledger, observed } = books()
    ledger.bids.push(bid(4, 'eve', 200))
    expect(failures(ledger, observed)).toEqual(['every acknowledged bid is there'])
    ledger.bids.splice(0, 4, bid(1, 'ann', 101), ...observed.bids.slice(1))
    expect(failures(ledger, observed)).toEqual([
      'every acknowledged bid is there',
      'no bid is there that nobody was told about',
    ])
  })

  it('finds a bid that nobody was told about, unless its outcome is open', () => {
    const { ledger, observed } = books()
    ledger.bids.pop()
    const promise = 'no bid is there that nobody was told about'
    expect(failures(ledger, observed)).toEqual([promise])
    ledger.open.set('k', { bidderId: 'ann', amount: 150 })
    expect(failures(ledger, observed)).toEqual([])
  })

  it('finds a bid that was too low, and a gap', () => {
    const { observed } = books()
    for (const bids of [
      [bid(1, 'ann', 99)],
      [bid(1, 'ann', 100), bid(2, 'bob', 109)],
      [bid(1, 'ann', 100), bid(3, 'bob', 150)],
    ]) {
      const ledger = new AuctionLedger()
      ledger.bids.push(...bids)
      expect(failures(ledger, { ...observed, bids })).toContain('each bid was high enough')
    }
  })

  it('finds views that disagree', () => {
    const { ledger, observed } = books()
    const leader = { bidderId: 'bob', amount: 110 }
    for (const view of [{ bidCount: 2 }, { highestBid: 110 }, { leader }]) {
      expect(failures(ledger, { ...observed, ...view })).toEqual([
        'auction, bids and leaderboard agree',
      ])
    }
  })
})
