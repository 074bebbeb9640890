import type { Answer, GridClient } from '../client/index.ts'
import { inParallel } from './in-parallel.ts'
import { accepted, row, rows, text, texts } from './result-reader.ts'
import type { StoredOrder, TicketingObservation } from './ticketing-audit.ts'
import type { AcknowledgedHold, TicketingLedger } from './ticketing-ledger.ts'

/** Queries at a time: the audit is not part of the load. */
const queriesAtOnce = 32

/**
 * Asks the grid for everything the audit compares. The first answer includes all that is stored by
 * now; the others are from its position or a later one, since each may come from another processing
 * unit.
 *
 * @throws ObservationError when a query stays unanswered
 */
export async function observeTicketing(
  client: GridClient,
  space: string,
  eventId: string,
  ledger: TicketingLedger,
): Promise<Omit<TicketingObservation, 'seatsCreated'>> {
  const seatMap = accepted(
    'seatMap',
    await client.answerOfQuery(space, 'seatMap', { eventId }, { from: 'latest' }),
  )
  const seats = rows(seatMap.result, 'seats')
  const ask = (name: string, input: Record<string, string>): Promise<Answer> =>
    client.answerOfQuery(space, name, input, { from: seatMap.position })
  const sections = rows(
    accepted('availability', await ask('availability', { eventId })).result,
    'sections',
  )
  const ordersById = new Map<string, StoredOrder>()
  await inParallel(ledger.orders, queriesAtOnce, async ({ orderId }) => {
    const answer = await ask('order', { orderId })
    if (isMissing(answer)) return
    ordersById.set(orderId, storedOrder(accepted('order', answer).result))
  })
  const unsure = [...ledger.refused, ...[...ledger.open.values()].map(({ hold }) => hold)]
  const customers = new Set(unsure.map(({ customerId }) => customerId))
  const ordersOfRefused: StoredOrder[] = []
  await inParallel(customers, queriesAtOnce, async (customerId) => {
    const answer = await ask('ordersByCustomer', { customerId })
    for (const order of rows(accepted('ordersByCustomer', answer).result, 'orders')) {
      if (order.eventId === eventId) ordersOfRefused.push(storedOrder(order))
    }
  })
  return {
    seats: seats.length,
    soldSeatIds: seats
      .filter(({ status }) => status === 'sold')
      .map((seat) => text(seat, 'seatId')),
    soldInAvailability: sections.reduce((sum, { sold }) => sum + Number(sold), 0),
    ordersById,
    ordersOfRefused,
  }
}

/** @param seatIds the seats asked for, when the answer need not name them */
export function holdOf(
  result: unknown,
  customerId: string,
  seatIds: readonly string[] | undefined,
): AcknowledgedHold {
  const hold = row(result)
  return { holdId: text(hold, 'holdId'), customerId, seatIds: seatIds ?? texts(hold, 'seatIds') }
}

export const orderIdOf = (result: unknown): string => text(row(result), 'orderId')

function storedOrder(result: unknown): StoredOrder {
  const order = row(result)
  return {
    orderId: text(order, 'orderId'),
    customerId: text(order, 'customerId'),
    seatIds: texts(order, 'seatIds'),
  }
}

const isMissing = (answer: Answer): boolean => answer.kind === 'failed' && answer.status === 404
