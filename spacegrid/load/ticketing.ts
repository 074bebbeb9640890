import type { Answer, GridClient } from '../client/index.ts'
import type { Application, AuditCheck } from './application.ts'
import { eventSections, type LayoutSection, randomNeighbours } from './event-layout.ts'
import { type Random, randomBelow } from './random.ts'
import type { Session } from './session.ts'
import { settleOpen } from './settle-open.ts'
import { auditTicketing } from './ticketing-audit.ts'
import {
  type AcknowledgedHold,
  type OpenConfirmation,
  TicketingLedger,
} from './ticketing-ledger.ts'
import { holdOf, observeTicketing, orderIdOf } from './ticketing-observation.ts'

export interface TicketingOptions {
  /** Makes the event's id unlike any other run's. */
  readonly runId: string
  /** Seats of each event. */
  readonly seats: number
  readonly events: number
  /** Of several events: share of users who come for the first one; the others have equal shares. */
  readonly hotShare: number
  /**
   * Distinct customers, among whom arrivals are dealt out in turn; undefined makes every arrival a
   * customer of its own.
   */
  readonly users: number | undefined
  /** Share of users who only look at the availability. */
  readonly browseShare: number
  /** Of those who buy: share who want particular seats instead of the best ones. */
  readonly specificShare: number
  /** Share of holds that are confirmed; half of the rest are released, half forgotten. */
  readonly confirmShare: number
  /** Mean time between holding and deciding. In ms. */
  readonly thinkMs: number
}

/** Most people buy for two; nobody may hold more than eight seats. */
const quantities = [1, 1, 2, 2, 2, 2, 3, 4] as const

/**
 * Users at an on-sale of one event, or of several with a hot one. They act as the grid's answers
 * let them, and note what they were told in a ledger.
 */
export class Ticketing implements Application {
  readonly space = 'ticketing'
  readonly ledger = new TicketingLedger()
  readonly #options: TicketingOptions
  readonly #eventIds: readonly string[]
  readonly #sections: readonly LayoutSection[]
  #seatsCreated = 0

  constructor(options: TicketingOptions) {
    this.#options = options
    this.#eventIds = eventIds(options)
    this.#sections = eventSections(options.seats)
  }

  async prepare(client: GridClient): Promise<void> {
    const startsAt = new Date(Date.now() + 86_400_000).toISOString()
    const seats = this.#sections.reduce((sum, part) => sum + part.rows * part.seatsPerRow, 0)
    for (const eventId of this.#eventIds) {
      const input = {
        eventId,
        name: `Load ${this.#options.runId}`,
        startsAt,
        sections: this.#sections,
      }
      const answer = await client.answerOfCommand(this.space, 'createEvent', input, {
        idempotencyKey: eventId,
      })
      if (answer.kind !== 'accepted') {
        throw new Error(`The event could not be created: ${answer.reason}`)
      }
      this.#seatsCreated += seats
    }
  }

  async visit(session: Session): Promise<void> {
    const { random } = session
    const eventId = eventOf(random, this.#eventIds, this.#options.hotShare)
    if (random() < this.#options.browseShare) {
      await session.query('availability', { eventId })
      return
    }
    const hold = await this.#hold(session, eventId)
    if (hold === undefined) return
    const thinkMs = this.#options.thinkMs * (0.5 + random())
    const decision = random()
    if (!(await session.think(thinkMs))) return
    const { confirmShare } = this.#options
    if (decision < confirmShare) await this.#confirm(session, hold)
    else if (decision < confirmShare + (1 - confirmShare) / 2) {
      await session.command('releaseHold', { holdId: hold.holdId })
    }
  }

  async #hold(session: Session, eventId: string): Promise<AcknowledgedHold | undefined> {
    const { random, index } = session
    const { users, specificShare } = this.#options
    const customerId = `customer-${users === undefined ? index : index % users}`
    const quantity = quantities[randomBelow(random, quantities.length)]!
    const specific = random() < specificShare
    const seatIds = randomNeighbours(this.#sections, quantity, random)
    const { section } = this.#sections[randomBelow(random, this.#sections.length)]!
    const answer = specific
      ? await session.command('holdSeats', { eventId, seatIds, customerId })
      : await session.command('holdBestAvailable', { eventId, section, quantity, customerId })
    if (answer.kind !== 'accepted') return undefined
    return holdOf(answer.result, eventId, customerId, specific ? seatIds : undefined)
  }

  async #confirm(session: Session, hold: AcknowledgedHold): Promise<void> {
    const idempotencyKey = session.nextKey()
    const input = { holdId: hold.holdId, paymentReference: `payment-${idempotencyKey}` }
    const answer = await session.command('confirmHold', input)
    if (!this.#note(hold, answer)) {
      this.ledger.outcomeUnknown({ hold, input, idempotencyKey })
    }
  }

  /** Enters a confirmation's answer in the ledger; false when it leaves the outcome open. */
  #note(hold: AcknowledgedHold, answer: Answer): boolean {
    if (answer.kind === 'accepted') this.ledger.acknowledged(hold, orderIdOf(answer.result))
    else if (answer.kind !== 'rejected' && answer.outcomeUnknown) return false
    else this.ledger.notConfirmed(hold)
    return true
  }

  settle(client: GridClient, signal: AbortSignal): Promise<void> {
    const ask = ({ input, idempotencyKey }: OpenConfirmation): Promise<Answer> =>
      client.answerOfCommand(this.space, 'confirmHold', input, { idempotencyKey })
    return settleOpen(this.ledger.open, signal, ask, ({ hold }, verdict) => {
      this.#note(hold, verdict)
    })
  }

  async audit(client: GridClient): Promise<AuditCheck[]> {
    const observed = await observeTicketing(client, this.space, this.#eventIds, this.ledger)
    return auditTicketing(this.ledger, { ...observed, seatsCreated: this.#seatsCreated })
  }
}

/** One event keeps the name that runs with one have always given it. */
const eventIds = ({ runId, events }: TicketingOptions): string[] =>
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
