import type { Answer, GridClient } from '../../client/index.ts'
import { inParallel } from '../scenario/in-parallel.ts'
import { accepted, type Row, row, rows, text, texts } from '../scenario/result-reader.ts'
import type { StoredOrder, TicketingObservation } from './ticketing-audit.ts'
import type { AcknowledgedHold, TicketingLedger } from './ticketing-ledger.ts'

/** Queries at a time: the audit is not part of the load. */
const queriesAtOnce = 32

/** Orders on a page: few enough that a customer of a long run has several. */
const ordersPerPage = '100'

/**
 * Asks the grid for everything the audit compares. The seat maps include all that is stored by
 * now; the other answers are from their positions or later ones, since each may come from another
 * processing unit, and the events of a divided space are in several logs.
 *
 * @throws ObservationError when a query stays unanswered
 */
export async function observeTicketing(
  client: GridClient,
  space: string,
  eventIds: readonly string[],
  ledger: TicketingLedger,
): Promise<Omit<TicketingObservation, 'seatsCreated'>> {
  const seats: Row[] = []
  for (const eventId of eventIds) {
    const answer = await client.answerOfQuery(space, 'seatMap', { eventId }, { from: 'latest' })
    for (const seat of rows(accepted('seatMap', answer).result, 'seats'))
      seats.push({ ...seat, seatId: seatOf(eventId, text(seat, 'seatId')) })
  }
  const ask = (name: string, input: Record<string, string>): Promise<Answer> =>
    client.answerOfQuery(space, name, input, { from: 'seen' })
  let soldInAvailability = 0
  for (const eventId of eventIds) {
    const { result } = accepted('availability', await ask('availability', { eventId }))
    for (const { sold } of rows(result, 'sections')) soldInAvailability += Number(sold)
  }
  const ordersById = new Map<string, StoredOrder>()
  await inParallel(ledger.orders, queriesAtOnce, async ({ orderId }) => {
    const answer = await ask('order', { orderId })
    if (isMissing(answer)) return
    ordersById.set(orderId, storedOrder(accepted('order', answer).result))
  })
  const unsure = [...ledger.refused, ...ledger.open.values()]
  const customers = new Set(unsure.map(({ customerId }) => customerId))
  const ofThisRun = new Set(eventIds)
  const ordersOfRefused: StoredOrder[] = []
  await inParallel(customers, queriesAtOnce, async (customerId) => {
    for await (const order of ordersOf(customerId, ask)) {
      if (ofThisRun.has(text(order, 'eventId'))) ordersOfRefused.push(storedOrder(order))
    }
  })
  return {
    seats: seats.length,
    soldSeatIds: seats
      .filter(({ status }) => status === 'sold')
      .map((seat) => text(seat, 'seatId')),
    soldInAvailability,
    ordersById,
    ordersOfRefused,
  }
}

/** All pages of a customer's orders. */
async function* ordersOf(
  customerId: string,
  ask: (name: string, input: Record<string, string>) => Promise<Answer>,
): AsyncGenerator<Row> {
  let page: Record<string, string> = {}
  for (;;) {
    const input = { customerId, limit: ordersPerPage, ...page }
    const { result } = accepted('ordersByCustomer', await ask('ordersByCustomer', input))
    yield* rows(result, 'orders')
    if (row(result).next === undefined) return
    page = { cursor: text(row(result), 'next') }
  }
}

/** A seat among those of all events: every event has an `A-1-1`. */
export const seatOf = (eventId: string, seatId: string): string => `${eventId}/${seatId}`

/** @param seatIds the seats asked for, when the answer need not name them */
export function holdOf(
  result: unknown,
  eventId: string,
  customerId: string,
  seatIds: readonly string[] | undefined,
): AcknowledgedHold {
  const hold = row(result)
  const held = seatIds ?? texts(hold, 'seatIds')
  return {
    holdId: text(hold, 'holdId'),
    customerId,
    seatIds: held.map((seatId) => seatOf(eventId, seatId)),
  }
}

function storedOrder(result: unknown): StoredOrder {
  const order = row(result)
  return {
    orderId: text(order, 'orderId'),
    customerId: text(order, 'customerId'),
    seatIds: texts(order, 'seatIds').map((seatId) => seatOf(text(order, 'eventId'), seatId)),
  }
}

const isMissing = (answer: Answer): boolean => answer.kind === 'failed' && answer.status === 404
