import { type AuditCheck, check } from '../scenario/audit-check.ts'
import type { TicketingLedger } from './ticketing-ledger.ts'

export interface StoredOrder {
  readonly orderId: string
  readonly customerId: string
  readonly seatIds: readonly string[]
}

/** What the grid says after the run. */
export interface TicketingObservation {
  /** Of all events, by their status in the seat maps. */
  readonly soldSeatIds: readonly string[]
  readonly seats: number
  /** Sold seats according to the availability projection. */
  readonly soldInAvailability: number
  /**
   * What the order query answered for each acknowledged order; missing when it knows no such order.
   */
  readonly ordersById: ReadonlyMap<string, StoredOrder>
  /** Orders for these events of every customer who was refused one, or does not know. */
  readonly ordersOfRefused: readonly StoredOrder[]
  readonly seatsCreated: number
}

/**
 * Compares what the users were told with what the grid says. Confirmations whose outcome stayed
 * unknown may have gone either way: their seats are allowed to be sold, not required to be. With
 * none of them the two sides must be equal.
 */
export function auditTicketing(
  ledger: TicketingLedger,
  observed: TicketingObservation,
): AuditCheck[] {
  const soldTo = new Map<string, string[]>()
  for (const order of ledger.orders) {
    for (const seatId of order.seatIds) {
      const orderIds = soldTo.get(seatId) ?? []
      if (!orderIds.includes(order.orderId)) soldTo.set(seatId, [...orderIds, order.orderId])
    }
  }
  const uncertain = new Set([...ledger.open.values()].flatMap((hold) => hold.seatIds))
  return [
    noSeatTwice(soldTo, observed),
    ordersPresent(ledger, observed),
    ordersDistinct(ledger),
    acknowledgedSeatsSold(soldTo, observed),
    nothingElseSold(soldTo, uncertain, observed),
    soldCounts(soldTo, uncertain, observed),
    refusedAbsent(ledger, observed),
    allSeatsThere(observed),
  ]
}

function noSeatTwice(soldTo: Map<string, string[]>, observed: TicketingObservation): AuditCheck {
  const twice = [...soldTo].filter(([, orderIds]) => orderIds.length > 1)
  const storedTwice = repeated([...observed.ordersById.values()].flatMap((order) => order.seatIds))
  return check(
    'no seat sold twice',
    [
      ...twice.map(([seatId, orderIds]) => `${seatId} in orders ${orderIds.join(' and ')}`),
      ...storedTwice.map((seatId) => `${seatId} in two stored orders`),
    ],
    `${soldTo.size} seats in acknowledged orders`,
  )
}

function ordersPresent(ledger: TicketingLedger, observed: TicketingObservation): AuditCheck {
  const wrong = ledger.orders.flatMap((order) => {
    const stored = observed.ordersById.get(order.orderId)
    if (stored === undefined) return [`${order.orderId} is missing`]
    const same = [...stored.seatIds].sort().join() === [...order.seatIds].sort().join()
    if (!same) return [`${order.orderId} has seats ${stored.seatIds} instead of ${order.seatIds}`]
    if (stored.customerId === order.customerId) return []
    return [`${order.orderId} belongs to ${stored.customerId} instead of ${order.customerId}`]
  })
  const detail = `${ledger.orders.length} orders`
  return check('every acknowledged order is there, with its seats', wrong, detail)
}

function ordersDistinct(ledger: TicketingLedger): AuditCheck {
  const wrong = repeated(ledger.orders.map((order) => order.orderId))
  return check(
    'every confirmation has an order of its own',
    wrong.map((orderId) => `${orderId} acknowledged for two holds`),
    `${ledger.orders.length} confirmations`,
  )
}

function acknowledgedSeatsSold(
  soldTo: Map<string, string[]>,
  observed: TicketingObservation,
): AuditCheck {
  const sold = new Set(observed.soldSeatIds)
  const wrong = [...soldTo.keys()].filter((seatId) => !sold.has(seatId))
  return check(
    'every acknowledged seat is sold in the seat map',
    wrong.map((seatId) => `${seatId} is not sold`),
    `${soldTo.size} seats`,
  )
}

function nothingElseSold(
  soldTo: Map<string, string[]>,
  uncertain: Set<string>,
  observed: TicketingObservation,
): AuditCheck {
  const wrong = observed.soldSeatIds.filter(
    (seatId) => !soldTo.has(seatId) && !uncertain.has(seatId),
  )
  return check(
    'no seat is sold that nobody was told about',
    wrong.map((seatId) => `${seatId} is sold without an acknowledged order`),
    `${observed.soldSeatIds.length} sold seats in the seat map`,
  )
}

function soldCounts(
  soldTo: Map<string, string[]>,
  uncertain: Set<string>,
  observed: TicketingObservation,
): AuditCheck {
  const least = soldTo.size
  const most = new Set([...soldTo.keys(), ...uncertain]).size
  const inSeatMap = observed.soldSeatIds.length
  const wrong: string[] = []
  if (inSeatMap < least || inSeatMap > most) {
    wrong.push(`the seat map has ${inSeatMap} sold seats, acknowledged were ${range(least, most)}`)
  }
  if (observed.soldInAvailability !== inSeatMap) {
    wrong.push(`availability says ${observed.soldInAvailability}, the seat map ${inSeatMap}`)
  }
  const open = most > least ? `, ${most - least} of them perhaps` : ''
  return check('the counts of sold seats agree', wrong, `${inSeatMap} seats${open}`)
}

function refusedAbsent(ledger: TicketingLedger, observed: TicketingObservation): AuditCheck {
  const known = new Set(ledger.orders.map((order) => order.orderId))
  const open = [...ledger.open.values()].map(({ seatIds }) => seatKey(seatIds))
  const uncertain = new Set(open)
  const wrong = observed.ordersOfRefused.filter(
    (order) => !known.has(order.orderId) && !uncertain.has(seatKey(order.seatIds)),
  )
  return check(
    'nothing that was refused is there',
    wrong.map((order) => `${order.orderId} of ${order.customerId} was never acknowledged`),
    `${ledger.refused.length} refused confirmations`,
  )
}

function allSeatsThere(observed: TicketingObservation): AuditCheck {
  const wrong =
    observed.seats === observed.seatsCreated
      ? []
      : [`${observed.seats} seats in the seat map, ${observed.seatsCreated} created`]
  return check('every event has all its seats', wrong, `${observed.seats} seats`)
}

const seatKey = (seatIds: readonly string[]): string => [...seatIds].sort().join()

const range = (least: number, most: number): string =>
  least === most ? String(least) : `${least} to ${most}`

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const value of values) {
    if (seen.has(value)) twice.add(value)
    seen.add(value)
  }
  return [...twice]
}
