import { type AuditCheck, check } from '../scenario/audit-check.ts'

/** A bid as the grid acknowledged it, or as it shows it. */
export interface NumberedBid {
  readonly number: number
  readonly bidderId: string
  readonly amount: number
}

/** A bid nobody knows the outcome of. */
export type OpenBid = Omit<NumberedBid, 'number'>

/** What the bidders were told. */
export class AuctionLedger {
  readonly bids: NumberedBid[] = []
  /** By idempotency key. */
  readonly open = new Map<string, OpenBid>()
}

/** What the grid says after the run. */
export interface AuctionObservation {
  /** Oldest first. */
  readonly bids: readonly NumberedBid[]
  readonly startingPrice: number
  readonly minimumIncrement: number
  /** According to the auction itself. */
  readonly bidCount: number
  readonly highestBid: number | undefined
  /** According to the leaderboard, a projection. */
  readonly leader: { readonly bidderId: string; readonly amount: number } | undefined
}

/**
 * One hot entry, many bidders: every acknowledged bid counts, each was high enough when it came,
 * and nothing else is there.
 */
export function auditAuction(ledger: AuctionLedger, observed: AuctionObservation): AuditCheck[] {
  return [
    bidsPresent(ledger, observed),
    nothingElse(ledger, observed),
    eachHighEnough(observed),
    viewsAgree(observed),
  ]
}

function bidsPresent(ledger: AuctionLedger, observed: AuctionObservation): AuditCheck {
  const stored = new Map(observed.bids.map((bid) => [bid.number, bid]))
  const wrong = ledger.bids.filter((bid) => !isSame(bid, stored.get(bid.number)))
  const detail = `${ledger.bids.length} bids`
  return check('every acknowledged bid is there', wrong.map(describe), detail)
}

function nothingElse(ledger: AuctionLedger, observed: AuctionObservation): AuditCheck {
  const told = new Map(ledger.bids.map((bid) => [bid.number, bid]))
  const uncertain = new Set([...ledger.open.values()].map(bidderAndAmount))
  const wrong = observed.bids.filter(
    (bid) => !isSame(bid, told.get(bid.number)) && !uncertain.has(bidderAndAmount(bid)),
  )
  const detail = `${observed.bids.length} bids in the auction`
  return check('no bid is there that nobody was told about', wrong.map(describe), detail)
}

/** Bids are numbered without gaps, and each exceeds the one before it by the increment. */
function eachHighEnough(observed: AuctionObservation): AuditCheck {
  const { bids, startingPrice, minimumIncrement } = observed
  const wrong = bids.filter(({ number, amount }, index) => {
    const before = bids[index - 1]
    const least = before === undefined ? startingPrice : before.amount + minimumIncrement
    return number !== index + 1 || amount < least
  })
  return check('each bid was high enough', wrong.map(describe), `${bids.length} bids in a row`)
}

function viewsAgree({ bids, bidCount, highestBid, leader }: AuctionObservation): AuditCheck {
  const highest = bids.at(-1)
  const wrong: string[] = []
  if (bidCount !== bids.length) wrong.push(`the auction counts ${bidCount} of ${bids.length} bids`)
  if (highestBid !== highest?.amount) {
    wrong.push(`the auction's highest bid is ${highestBid}, the newest ${highest?.amount}`)
  }
  if (leader?.amount !== highest?.amount || leader?.bidderId !== highest?.bidderId) {
    wrong.push(`the leaderboard is led by ${leader?.bidderId} with ${leader?.amount}`)
  }
  return check('auction, bids and leaderboard agree', wrong, `highest bid ${highestBid ?? 'none'}`)
}

const isSame = (one: NumberedBid, other: NumberedBid | undefined): boolean =>
  other !== undefined && one.bidderId === other.bidderId && one.amount === other.amount

const bidderAndAmount = ({ bidderId, amount }: { bidderId: string; amount: number }): string =>
  `${bidderId} ${amount}`

const describe = ({ number, bidderId, amount }: NumberedBid): string =>
  `bid ${number} of ${bidderId}, ${amount}`
