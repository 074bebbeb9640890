import type { Answer, GridClient } from '../../client/index.ts'
import { randomBelow } from '../random.ts'
import { prepared } from '../scenario/prepared.ts'
import { accepted, type Row, row, rows, text, whole } from '../scenario/result-reader.ts'
import { defineScenario, type Run, type Scenario } from '../scenario/scenario.ts'
import type { User } from '../scenario/user.ts'
import {
  AuctionLedger,
  type AuctionObservation,
  auditAuction,
  type NumberedBid,
} from './auction-audit.ts'

export interface AuctionOptions {
  /** Share of users who only look. */
  readonly browse: number
  /** Share of outbid users who bid again, each time. */
  readonly confirm: number
}

const space = 'auction'
const startingPrice = 1000
const minimumIncrement = 10
const auctionMs = 86_400_000

/** The contract's largest page. */
const bidsPerPage = 1000

/** Bids of one user at most: with everyone bidding on one thing, most bids come too late. */
const bidsPerUserMax = 4

/** Bidders for a single thing: the hottest entry there can be. */
export const auction = (options: AuctionOptions) =>
  defineScenario(space, (run): Scenario => {
    const room = new AuctionRoom(options, run)
    const { browse } = options
    return {
      prepare: (client) => room.prepare(client),
      journeys: {
        browse: { weight: browse, visit: async (user) => void (await room.look(user)) },
        bid: { weight: 1 - browse, visit: (user) => room.bid(user) },
      },
      audit: (client) => room.audit(client),
    }
  })

class AuctionRoom {
  readonly #ledger = new AuctionLedger()
  readonly #options: AuctionOptions
  readonly #runId: string
  readonly #auctionId: string

  constructor(options: AuctionOptions, run: Run) {
    this.#options = options
    this.#runId = run.id
    this.#auctionId = `load-${run.id}`
  }

  async prepare(client: GridClient): Promise<void> {
    const input = {
      auctionId: this.#auctionId,
      title: `Load ${this.#runId}`,
      startingPrice,
      minimumIncrement,
      endsAt: Date.now() + auctionMs,
    }
    const answer = await client.answerOfCommand(space, 'openAuction', input, {
      idempotencyKey: this.#auctionId,
    })
    prepared('The auction could not be opened', answer)
  }

  look(user: User): Promise<Answer> {
    return user.query('auction', { auctionId: this.#auctionId })
  }

  async bid(user: User): Promise<void> {
    const seen = await this.look(user)
    if (seen.kind !== 'accepted') return
    const bidderId = `bidder-${user.number}`
    let least = whole(row(seen.result), 'leastAmount')
    for (let bids = 0; bids < bidsPerUserMax; bids += 1) {
      await user.think()
      const amount = least + minimumIncrement * randomBelow(user.random, 10)
      const answer = await this.#bid(user, bidderId, amount)
      if (answer.kind !== 'rejected' || answer.reason !== 'bid_too_low') return
      least = whole(answer.details, 'leastAmount')
      if (user.random() >= this.#options.confirm) return
    }
  }

  #bid(user: User, bidderId: string, amount: number): Promise<Answer> {
    const key = user.nextKey
    const input = { auctionId: this.#auctionId, bidderId, amount }
    return user.command('placeBid', input, (answer) => {
      this.#ledger.open.delete(key)
      if (answer.kind === 'accepted') this.#acknowledged(bidderId, answer.result)
      else if (answer.kind !== 'rejected' && answer.outcomeUnknown)
        this.#ledger.open.set(key, { bidderId, amount })
    })
  }

  #acknowledged(bidderId: string, result: unknown): void {
    const bid = row(result)
    this.#ledger.bids.push({ number: whole(bid, 'number'), bidderId, amount: whole(bid, 'amount') })
  }

  async audit(client: GridClient) {
    return auditAuction(this.#ledger, await this.#observe(client))
  }

  async #observe(client: GridClient): Promise<AuctionObservation> {
    const auctionId = this.#auctionId
    const first = accepted(
      'auction',
      await client.answerOfQuery(space, 'auction', { auctionId }, { from: 'latest' }),
    )
    const ask = async (name: string, input: Record<string, string>): Promise<Row> =>
      row(
        accepted(name, await client.answerOfQuery(space, name, input, { from: first.position }))
          .result,
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
    const found = row(first.result)
    return {
      bids: bids.reverse(),
      startingPrice,
      minimumIncrement,
      bidCount: whole(found, 'bids'),
      highestBid: found.highestBid === undefined ? undefined : whole(found, 'highestBid'),
      leader: leader && { bidderId: text(leader, 'bidderId'), amount: whole(leader, 'amount') },
    }
  }
}
