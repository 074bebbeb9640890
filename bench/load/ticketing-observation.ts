import type { Answer } from './answer.ts'
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
 * Asks the grid for everything the audit compares. The first question is answered from a state that includes everything
 * stored by now; each one is, because the next may reach another processing unit.
 *
 * @throws ObservationError when a query stays unanswered
 */
export async function observeTicketing(
  client: GridClient,
  space: string,
  eventId: string,
  ledger: TicketingLedger,
): Promise<Omit<TicketingObservation, 'seatsCreated'>> {
  const ask = (name: string, input: Record<string, string>): Promise<Answer> =>
    client.query(space, name, input, true)
  const seats = rows(resultOf('seatMap', await ask('seatMap', { eventId })), 'seats')
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

/** A query that finds nothing may say so with 404 or with null. */
function isMissing(answer: Answer): boolean {
  if (answer.kind === 'failed') return answer.status === 404
  return answer.kind === 'accepted' && answer.result === null
}

function resultOf(query: string, answer: Answer): unknown {
  if (answer.kind === 'accepted') return answer.result
  throw new ObservationError(`${query}: ${answer.reason}`)
}

type Row = Readonly<Record<string, unknown>>

function row(value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new ObservationError(`expected an object, got ${JSON.stringify(value)}`)
}

/** A list, bare or under its name. */
function rows(value: unknown, name: string): Row[] {
  const list: unknown = Array.isArray(value) ? value : row(value)[name]
  if (Array.isArray(list)) return list.map(row)
  throw new ObservationError(`expected ${name}, got ${JSON.stringify(value)?.slice(0, 200)}`)
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
