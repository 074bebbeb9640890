import type { Answer, GridClient } from '../../client/index.ts'
import { type Random, randomBelow } from '../random.ts'
import { prepared } from '../scenario/prepared.ts'
import { row, text } from '../scenario/result-reader.ts'
import { defineScenario, type Run, type Scenario } from '../scenario/scenario.ts'
import type { User } from '../scenario/user.ts'
import { eventSections, type LayoutSection, randomNeighbours } from './event-layout.ts'
import { auditTicketing } from './ticketing-audit.ts'
import { type AcknowledgedHold, TicketingLedger } from './ticketing-ledger.ts'
import { holdOf, observeTicketing } from './ticketing-observation.ts'

export interface TicketingOptions {
  /** Seats of each event. */
  readonly seats: number
  readonly events: number
  /** Of several events: share of users who come for the first one; the others have equal shares. */
  readonly hot: number
  /** Share of users who only look at the availability. */
  readonly browse: number
  /** Of those who buy: share who want particular seats instead of the best ones. */
  readonly specific: number
  /** Share of holds that are confirmed; half of the rest are released, half forgotten. */
  readonly confirm: number
}

const space = 'ticketing'

/** Most people buy for two; nobody may hold more than eight seats. */
const quantities = [1, 1, 2, 2, 2, 2, 3, 4] as const

/**
 * Users at an on-sale of one event, or of several with a hot one. They act as the grid's answers
 * let them, and note what they were told in a ledger.
 */
export const ticketing = (options: TicketingOptions) =>
  defineScenario(space, (run): Scenario => {
    const onSale = new OnSale(options, run)
    const { browse } = options
    return {
      prepare: (client) => onSale.prepare(client),
      journeys: {
        browse: { weight: browse, visit: (user) => onSale.look(user) },
        buy: { weight: 1 - browse, visit: (user) => onSale.buy(user) },
      },
      audit: (client) => onSale.audit(client),
    }
  })

class OnSale {
  readonly #ledger = new TicketingLedger()
  readonly #options: TicketingOptions
  readonly #runId: string
  readonly #eventIds: readonly string[]
  readonly #sections: readonly LayoutSection[]
  #seatsCreated = 0

  constructor(options: TicketingOptions, run: Run) {
    this.#options = options
    this.#runId = run.id
    this.#eventIds = eventIdsOf(run.id, options.events)
    this.#sections = eventSections(options.seats)
  }

  async prepare(client: GridClient): Promise<void> {
    const startsAt = new Date(Date.now() + 86_400_000).toISOString()
    const seats = this.#sections.reduce((sum, part) => sum + part.rows * part.seatsPerRow, 0)
    for (const eventId of this.#eventIds) {
      const name = `Load ${this.#runId}`
      const input = { eventId, name, startsAt, sections: this.#sections }
      const answer = await client.answerOfCommand(space, 'createEvent', input, {
        idempotencyKey: eventId,
      })
      prepared('The event could not be created', answer)
      this.#seatsCreated += seats
    }
  }

  async look(user: User): Promise<void> {
    await user.query('availability', { eventId: this.#eventOf(user) })
  }

  async buy(user: User): Promise<void> {
    const hold = await this.#hold(user, this.#eventOf(user))
    if (hold === undefined) return
    const decision = user.random()
    await user.think()
    const { confirm } = this.#options
    if (decision < confirm) await this.#confirm(user, hold)
    else if (decision < confirm + (1 - confirm) / 2) {
      await user.command('releaseHold', { holdId: hold.holdId })
    }
  }

  #eventOf(user: User): string {
    return eventOf(user.random, this.#eventIds, this.#options.hot)
  }

  async #hold(user: User, eventId: string): Promise<AcknowledgedHold | undefined> {
    const { random } = user
    const customerId = `customer-${user.number}`
    const quantity = quantities[randomBelow(random, quantities.length)]!
    const isSpecific = random() < this.#options.specific
    const seatIds = randomNeighbours(this.#sections, quantity, random)
    const { section } = this.#sections[randomBelow(random, this.#sections.length)]!
    const answer = isSpecific
      ? await user.command('holdSeats', { eventId, seatIds, customerId })
      : await user.command('holdBestAvailable', { eventId, section, quantity, customerId })
    if (answer.kind !== 'accepted') return undefined
    return holdOf(answer.result, eventId, customerId, isSpecific ? seatIds : undefined)
  }

  async #confirm(user: User, hold: AcknowledgedHold): Promise<void> {
    const input = { holdId: hold.holdId, paymentReference: `payment-${user.nextKey}` }
    await user.command('confirmHold', input, (answer) => this.#note(hold, answer))
  }

  /** Every confirmation sent is in one of three states: acknowledged, refused for certain, open. */
  #note(hold: AcknowledgedHold, answer: Answer): void {
    if (answer.kind === 'accepted')
      this.#ledger.acknowledged(hold, text(row(answer.result), 'orderId'))
    else if (answer.kind !== 'rejected' && answer.outcomeUnknown) this.#ledger.outcomeUnknown(hold)
    else this.#ledger.notConfirmed(hold)
  }

  async audit(client: GridClient) {
    const observed = await observeTicketing(client, space, this.#eventIds, this.#ledger)
    return auditTicketing(this.#ledger, { ...observed, seatsCreated: this.#seatsCreated })
  }
}

/** One event keeps the name that runs with one have always given it. */
export const eventIdsOf = (runId: string, events: number): string[] =>
  events === 1
    ? [`load-${runId}`]
    : Array.from({ length: events }, (_, number) => `load-${runId}-${number}`)

/**
 * The event that a user has come for. With one event nothing is drawn, so the same seed gives the
 * same users as ever.
 */
export function eventOf(random: Random, eventIds: readonly string[], hotShare: number): string {
  const [hot = '', ...others] = eventIds
  if (others.length === 0 || random() < hotShare) return hot
  return others[randomBelow(random, others.length)] as string
}
