import type { Accepted, Answer } from './answer.ts'
import type { GridClient } from './grid-client.ts'
import { inParallel } from './in-parallel.ts'
import type { StoredOrder, TicketingObservation } from './ticketing-audit.ts'
import type { AcknowledgedHold, TicketingLedger } from './ticketing-ledger.ts'

/** Queries at a time: the audit is not part of the load. */
const queriesAtOnce = 32

/** The grid answered something that the ticketing contract does not allow, or nothing at all. */
export class ObservationError extends Error {
  override readonly name = 'ObservationError'
}

/**
 * Asks the grid for everything the audit compares. The first answer includes all that is stored by now; the others are from
 * its position or a later one, since each may come from another processing unit.
 *
 * @throws ObservationError when a query stays unanswered
 */
export async function observeTicketing(
  client: GridClient,
  space: string,
  eventId: string,
  ledger: TicketingLedger,
): Promise<Omit<TicketingObservation, 'seatsCreated'>> {
  const seatMap = accepted('seatMap', await client.query(space, 'seatMap', { eventId }, 'latest'))
  const seats = rows(seatMap.result, 'seats')
  const ask = (name: string, input: Record<string, string>): Promise<Answer> =>
    client.query(space, name, input, seatMap.position)
  const sections = rows(
    resultOf('availability', await ask('availability', { eventId })),
    'sections',
  )
  const ordersById = new Map<string, StoredOrder>()
  await inParallel(ledger.orders, queriesAtOnce, async ({ orderId }) => {
    const answer = await ask('order', { orderId })
    if (isMissing(answer)) return
    ordersById.set(orderId, storedOrder(resultOf('order', answer)))
  })
  const unsure = [...ledger.refused, ...[...ledger.open.values()].map(({ hold }) => hold)]
  const customers = new Set(unsure.map(({ customerId }) => customerId))
  const ordersOfRefused: StoredOrder[] = []
  await inParallel(customers, queriesAtOnce, async (customerId) => {
    const answer = await ask('ordersByCustomer', { customerId })
    for (const order of rows(resultOf('ordersByCustomer', answer), 'orders')) {
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

function accepted(query: string, answer: Answer): Accepted {
  if (answer.kind === 'accepted') return answer
  throw new ObservationError(`${query}: ${answer.reason}`)
}

const resultOf = (query: string, answer: Answer): unknown => accepted(query, answer).result

type Row = Readonly<Record<string, unknown>>

function row(value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new ObservationError(`expected an object, got ${JSON.stringify(value)}`)
}

function rows(value: unknown, field: string): Row[] {
  const list = row(value)[field]
  if (Array.isArray(list)) return list.map(row)
  throw new ObservationError(`expected ${field} in ${JSON.stringify(value).slice(0, 200)}`)
}

function text(from: Row, field: string): string {
  const value = from[field]
  if (typeof value === 'string') return value
  throw new ObservationError(`expected ${field} in ${JSON.stringify(from).slice(0, 200)}`)
}

function texts(from: Row, field: string): string[] {
  const value = from[field]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new ObservationError(`expected ${field} in ${JSON.stringify(from).slice(0, 200)}`)
}
