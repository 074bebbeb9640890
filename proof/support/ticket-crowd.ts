import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Answer, PatientClient } from './patient-client.ts'

/** What became of the seats that one customer was given, as far as the customer has been told. */
export interface Purchase {
  readonly customerId: string
  readonly eventId: string
  readonly holdId: string
  readonly seatIds: readonly string[]
  state: 'held' | 'released' | 'ordered' | 'cancelled'
}

/** What a crowd has been told: whatever stands here must be stored in the end, and nothing else. */
export interface CrowdLedger {
  readonly events: string[]
  readonly purchases: Purchase[]
  /** Customers who were refused everything. */
  readonly refused: string[]
  /** Customers who never heard what became of a command: it may have happened. */
  readonly unanswered: string[]
  /**
   * Customers who were refused when they asked again, after an attempt that nobody answered. A
   * refusal is not remembered: should that attempt lie in a paused process, it is carried out when
   * that goes on.
   */
  readonly refusedLate: string[]
  /** What contradicts something acknowledged before: an order not found, two answers to one key. */
  readonly contradictions: string[]
  /** Commands acknowledged: done or refused. */
  acknowledged: number
  /** Customers there have been. */
  customers: number
}

export const emptyLedger = (): CrowdLedger => ({
  events: [],
  purchases: [],
  refused: [],
  unanswered: [],
  refusedLate: [],
  contradictions: [],
  acknowledged: 0,
  customers: 0,
})

/** What another crowd was told, beside what stands in `ledger`. */
export function addLedger(ledger: CrowdLedger, other: CrowdLedger): void {
  for (const name of ['events', 'refused', 'unanswered', 'refusedLate', 'contradictions'] as const)
    ledger[name].push(...other[name])
  ledger.purchases.push(...other.purchases)
  ledger.acknowledged += other.acknowledged
  ledger.customers += other.customers
}

export interface CrowdOptions {
  /** How many buy at the same time. */
  readonly shoppers: number
  readonly seed: number
  /** Longest pause of a shopper between two commands, in ms. */
  readonly thinkMsMax: number
  /** Longest wait for the answer to one command, in ms. */
  readonly giveUpMs: number
  /** Distinguishes the events, customers and keys of several crowds. */
  readonly prefix: string
}

const space = 'ticketing'
const section = 'A'
const rows = 40
const seatsPerRow = 50
/**
 * So many customers look again, each after so many commands, whether what they were told is there.
 */
const lookShare = 0.1
const twiceShare = 0.1

/**
 * Shoppers who hold, release, buy and cancel tickets until they are told to finish, each customer
 * one purchase, with idempotency keys and retries. A share of the commands is sent twice at the
 * same time, as by an impatient finger; now and then one looks whether an order is there that was
 * acknowledged, on whatever unit answers. Sold out: the next event is opened.
 */
export class TicketCrowd {
  readonly ledger = emptyLedger()
  /** Closed when the crowd has finished. */
  readonly #client: PatientClient
  readonly #options: CrowdOptions
  readonly #random: SeededRandom
  #keys = 0
  #eventNumber = 0
  #finishing = false
  #opening: Promise<string> | undefined
  #shopping: Promise<void>[] = []

  constructor(client: PatientClient, options: CrowdOptions) {
    this.#client = client
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  /** Requests that had to be sent again, by reason. */
  get retried(): ReadonlyMap<string, number> {
    return this.#client.retried
  }

  async start(): Promise<void> {
    await this.#openEvent(undefined)
    this.#shopping = Array.from({ length: this.#options.shoppers }, () => this.#shop())
  }

  /** Puts one more event on sale at once; when this resolves it is persisted. Returns its id. */
  async persistEvent(): Promise<string> {
    return await this.#createEvent({ prefer: 'ack=persisted' })
  }

  /** Every shopper ends the purchase that is under way, and the ledger is complete. */
  async finish(): Promise<CrowdLedger> {
    this.#finishing = true
    await Promise.all(this.#shopping)
    await this.#client.close()
    return this.ledger
  }

  async #shop(): Promise<void> {
    while (!this.#finishing) {
      const customerId = `${this.#options.prefix}-customer-${++this.ledger.customers}`
      const purchase = await this.#hold(customerId)
      if (!purchase) continue
      this.ledger.purchases.push(purchase)
      const luck = this.#random.below(100)
      if (luck < 15) await this.#release(purchase)
      else if (luck < 90) await this.#buy(purchase)
    }
  }

  /** undefined: refused, or never answered. */
  async #hold(customerId: string): Promise<Purchase | undefined> {
    const eventId = this.ledger.events.at(-1) as string
    const isPicky = this.#random.chance(0.3)
    const quantity = 1 + this.#random.below(3)
    const wanted = this.#neighbours(quantity)
    const answer = isPicky
      ? await this.#send(customerId, 'holdSeats', { eventId, customerId, seatIds: wanted })
      : await this.#send(customerId, 'holdBestAvailable', {
          eventId,
          customerId,
          section,
          quantity,
        })
    if (!answer) return undefined
    if (answer.status === 200) {
      const { holdId, seatIds = wanted } = answer.body.result ?? {}
      return {
        customerId,
        eventId,
        holdId: String(holdId),
        seatIds: seatIds as string[],
        state: 'held',
      }
    }
    this.ledger.refused.push(customerId)
    if (answer.isLate) this.ledger.refusedLate.push(customerId)
    if (answer.body.error?.reason === 'sold_out') await this.#openEvent(eventId)
    return undefined
  }

  async #release(purchase: Purchase): Promise<void> {
    const { customerId, holdId } = purchase
    const answer = await this.#send(customerId, 'releaseHold', { holdId })
    if (this.#isDone(answer, `releasing ${holdId}`)) purchase.state = 'released'
  }

  async #buy(purchase: Purchase): Promise<void> {
    const { customerId, holdId } = purchase
    const confirmed = await this.#send(customerId, 'confirmHold', {
      holdId,
      paymentReference: `payment of ${customerId}`,
    })
    if (!this.#isDone(confirmed, `confirming ${holdId}`)) return
    purchase.state = 'ordered'
    if (this.#random.chance(lookShare)) await this.#look(purchase, confirmed?.body.position ?? 0)
    if (!this.#random.chance(0.2)) return
    const cancelled = await this.#send(customerId, 'cancelOrder', { orderId: holdId })
    if (this.#isDone(cancelled, `cancelling ${holdId}`)) purchase.state = 'cancelled'
  }

  /** Whichever unit answers: at the position of the acknowledgement, or later, it has the order. */
  async #look({ customerId, holdId }: Purchase, position: number): Promise<void> {
    const answer = await this.#client.untilAnswered(
      () =>
        this.#client.query(space, 'order', { orderId: holdId }, { 'grid-position': `${position}` }),
      this.#options.giveUpMs,
    )
    if (answer && answer.body.result?.customerId !== customerId)
      this.ledger.contradictions.push(
        `order ${holdId}, acknowledged at ${position}, looks like ${JSON.stringify(answer.body)}`,
      )
  }

  /** What was acknowledged before makes every further step possible: a refusal contradicts it. */
  #isDone(answer: Answer | undefined, doing: string): boolean {
    if (answer && answer.status !== 200)
      this.ledger.contradictions.push(`${doing}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer?.status === 200
  }

  async #send(
    customerId: string,
    name: string,
    input: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer | undefined> {
    await new Promise((wake) => setTimeout(wake, this.#random.below(this.#options.thinkMsMax + 1)))
    const key = `${this.#options.prefix}-${this.#options.seed}-${++this.#keys}`
    const send = () =>
      this.#client.persist(space, name, input, this.#options.giveUpMs, key, headers)
    const [answer, second] = await Promise.all([
      send(),
      this.#random.chance(twiceShare) ? send() : undefined,
    ])
    if (answer) this.ledger.acknowledged++
    else this.ledger.unanswered.push(customerId)
    if (answer?.status === 200 && second?.status === 200 && !isSame(answer, second))
      this.ledger.contradictions.push(
        `one key, two answers to ${name}: ${JSON.stringify([answer.body, second.body])}`,
      )
    // Of two that were sent with one key, a refusal leaves nothing behind: then the other one
    // counts.
    return answer?.status === 409 && second?.status === 200 ? second : answer
  }

  /** Several shoppers find an event sold out at the same time: one of them opens the next. */
  async #openEvent(soldOut: string | undefined): Promise<string> {
    const current = this.ledger.events.at(-1)
    if (current !== undefined && current !== soldOut) return current
    this.#opening ??= this.#createEvent().finally(() => {
      this.#opening = undefined
    })
    return await this.#opening
  }

  async #createEvent(headers: Record<string, string> = {}): Promise<string> {
    const eventId = `${this.#options.prefix}-event-${++this.#eventNumber}`
    const startsAt = Date.now() + 86_400_000
    const sections = [{ section, rows, seatsPerRow, price: 4500 }]
    const event = { eventId, name: 'On sale', startsAt, sections }
    const answer = await this.#send('organizer', 'createEvent', event, headers)
    if (answer?.status !== 200)
      throw new Error(`event ${eventId} was not opened: ${JSON.stringify(answer)}`)
    this.ledger.events.push(eventId)
    return eventId
  }

  #neighbours(quantity: number): string[] {
    const row = 1 + this.#random.below(rows)
    const first = 1 + this.#random.below(seatsPerRow - quantity)
    return Array.from({ length: quantity }, (_, at) => `${section}-${row}-${first + at}`)
  }
}

const isSame = (one: Answer, other: Answer): boolean =>
  JSON.stringify(one.body.result) === JSON.stringify(other.body.result)
