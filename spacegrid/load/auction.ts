import type { Answer, GridClient } from '../client/index.ts'
import type { Application, AuditCheck } from './application.ts'
import {
  AuctionLedger,
  type AuctionObservation,
  auditAuction,
  type NumberedBid,
} from './auction-audit.ts'
import { randomBelow } from './random.ts'
import { accepted, type Row, row, rows, text, whole } from './result-reader.ts'
import type { Session } from './session.ts'
import { settleOpen } from './settle-open.ts'

export interface AuctionOptions {
  /** Makes the auction's id unlike any other run's. */
  readonly runId: string
  /**
   * Distinct bidders, among whom arrivals are dealt out in turn; undefined makes every arrival a
   * bidder of its own.
   */
  readonly users: number | undefined
  /** Share of users who only look. */
  readonly browseShare: number
  /** Share of outbid users who bid again, each time. */
  readonly confirmShare: number
  /** Mean time between looking and bidding. In ms. */
  readonly thinkMs: number
}

const startingPrice = 1000
const minimumIncrement = 10
const auctionMs = 86_400_000

/** The contract's largest page. */
const bidsPerPage = 1000

/** Bids of one user at most: with everyone bidding on one thing, most bids come too late. */
const bidsPerUserMax = 4

/** Bidders for a single thing: the hottest entry there can be. */
export class AuctionRoom implements Application {
  readonly space = 'auction'
  readonly ledger = new AuctionLedger()
  readonly #options: AuctionOptions
  readonly #auctionId: string

  constructor(options: AuctionOptions) {
    this.#options = options
    this.#auctionId = `load-${options.runId}`
  }

  async prepare(client: GridClient): Promise<void> {
    const input = {
      auctionId: this.#auctionId,
      title: `Load ${this.#options.runId}`,
      startingPrice,
      minimumIncrement,
      endsAt: Date.now() + auctionMs,
    }
    const answer = await client.answerOfCommand(this.space, 'openAuction', input, {
      idempotencyKey: this.#auctionId,
    })
    if (answer.kind !== 'accepted') {
      throw new Error(`The auction could not be opened: ${answer.reason}`)
    }
  }

  async visit(session: Session): Promise<void> {
    const { random, index } = session
    const { users, browseShare, confirmShare, thinkMs } = this.#options
    const browses = random() < browseShare
    const seen = await session.query('auction', { auctionId: this.#auctionId })
    if (browses || seen.kind !== 'accepted') return
    const bidderId = `bidder-${users === undefined ? index : index % users}`
    let least = whole(row(seen.result), 'leastAmount')
    for (let bids = 0; bids < bidsPerUserMax; bids += 1) {
      if (!(await session.think(thinkMs * (0.5 + random())))) return
      const amount = least + minimumIncrement * randomBelow(random, 10)
      const answer = await this.#bid(session, bidderId, amount)
      if (answer.kind !== 'rejected' || answer.reason !== 'bid_too_low') return
      least = whole(answer.details, 'leastAmount')
      if (random() >= confirmShare) return
    }
  }

  async #bid(session: Session, bidderId: string, amount: number): Promise<Answer> {
    const idempotencyKey = session.nextKey()
    const input = { auctionId: this.#auctionId, bidderId, amount }
    const answer = await session.command('placeBid', input)
    if (answer.kind === 'accepted') this.#acknowledged(bidderId, answer.result)
    else if (answer.kind !== 'rejected' && answer.outcomeUnknown) {
      this.ledger.open.set(idempotencyKey, { bidderId, amount, input, idempotencyKey })
    }
    return answer
  }

  #acknowledged(bidderId: string, result: unknown): void {
    const bid = row(result)
    this.ledger.bids.push({ number: whole(bid, 'number'), bidderId, amount: whole(bid, 'amount') })
  }

  settle(client: GridClient, signal: AbortSignal): Promise<void> {
    const ask = ({ input, idempotencyKey }: { input: unknown; idempotencyKey: string }) =>
      client.answerOfCommand(this.space, 'placeBid', input, { idempotencyKey })
    return settleOpen(this.ledger.open, signal, ask, ({ bidderId }, answer) => {
      if (answer.kind === 'accepted') this.#acknowledged(bidderId, answer.result)
    })
  }

  async audit(client: GridClient): Promise<AuditCheck[]> {
    return auditAuction(this.ledger, await this.#observe(client))
  }

  async #observe(client: GridClient): Promise<AuctionObservation> {
    const auctionId = this.#auctionId
    const first = accepted(
      'auction',
      await client.answerOfQuery(this.space, 'auction', { auctionId }, { from: 'latest' }),
    )
    const ask = async (name: string, input: Record<string, string>): Promise<Row> =>
      row(
        accepted(
          name,
          await client.answerOfQuery(this.space, name, input, { from: first.position }),
        ).result,
      )
    const bids: NumberedBid[] = []
    let page: Record<string, string> = {}
    for (;;) {
      const answer = await ask('bids', { auctionId, limit: String(bidsPerPage), ...page })
      for (const bid of rows(answer, 'bids')) {
        const [number, amount] = [whole(bid, 'number'), whole(bid, 'amount')]
        bids.push({ number, amount, bidderId: text(bid, 'bidderId') })
      }
      if (answer.next === undefined) break
      page = { cursor: String(answer.next) }
    }
    const [leader] = rows(await ask('leaderboard', { auctionId, limit: '1' }), 'bidders')
    const auction = row(first.result)
    return {
      bids: bids.reverse(),
      startingPrice,
      minimumIncrement,
      bidCount: whole(auction, 'bids'),
      highestBid: auction.highestBid === undefined ? undefined : whole(auction, 'highestBid'),
      leader: leader && { bidderId: text(leader, 'bidderId'), amount: whole(leader, 'amount') },
    }
  }
}
