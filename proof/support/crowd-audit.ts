import type { CrowdLedger, Purchase } from './ticket-crowd.ts'

type Document = Record<string, unknown>
export type Documents = ReadonlyMap<string, readonly Document[]>

/** Empty lists: what is stored is what was acknowledged, no less and no more. */
export interface CrowdFindings {
  /** Acknowledged, and not there. */
  readonly lost: string[]
  /** There, and nobody has been told of it. */
  readonly doubled: string[]
  /** There, but contradicting what was acknowledged or itself. */
  readonly wrong: string[]
}

/** Customers of whom nothing can be said: of theirs anything may be true. */
export const passedOver = ({ unanswered, refusedLate }: CrowdLedger): ReadonlySet<string> =>
  new Set([...unanswered, ...refusedLate])

/**
 * Compares what a crowd was told with what the store holds, document by document. Customers who
 * never heard of some command are passed over.
 */
export function auditCrowd(ledger: CrowdLedger, documents: Documents): CrowdFindings {
  const findings: CrowdFindings = { lost: [], doubled: [], wrong: [...ledger.contradictions] }
  const isInDoubt = passedOver(ledger)
  const purchases = ledger.purchases.filter(({ customerId }) => !isInDoubt.has(customerId))
  const known = (document: Document) => !isInDoubt.has(String(document.customerId))
  compareHolds(purchases, (documents.get('holds') ?? []).filter(known), findings)
  compareOrders(purchases, (documents.get('orders') ?? []).filter(known), findings)
  compareSeats(purchases, documents, isInDoubt, findings)
  compareCounts(purchases, documents, isInDoubt, findings)
  const events = new Set((documents.get('events') ?? []).map(({ eventId }) => eventId))
  for (const eventId of ledger.events)
    if (!events.has(eventId)) findings.lost.push(`event ${eventId}`)
  if (events.size > ledger.events.length)
    findings.doubled.push(`${events.size} events, ${ledger.events.length} were opened`)
  return findings
}

const show = (document: unknown): string => JSON.stringify(document)

function compareHolds(
  purchases: readonly Purchase[],
  holds: readonly Document[],
  { lost, doubled, wrong }: CrowdFindings,
): void {
  const stored = new Map(holds.map((hold) => [hold.holdId, hold]))
  for (const { holdId, customerId, state } of purchases) {
    const hold = stored.get(holdId)
    stored.delete(holdId)
    if (state === 'held' && !hold) lost.push(`hold ${holdId} of ${customerId}`)
    if (state !== 'held' && hold) lost.push(`hold ${holdId} was ${state}, but is still there`)
    if (hold && hold.customerId !== customerId) wrong.push(`hold ${show(hold)} is of ${customerId}`)
  }
  for (const hold of stored.values()) doubled.push(`hold ${show(hold)}`)
}

function compareOrders(
  purchases: readonly Purchase[],
  orders: readonly Document[],
  { lost, doubled, wrong }: CrowdFindings,
): void {
  const stored = new Map(orders.map((order) => [order.orderId, order]))
  for (const { holdId, customerId, seatIds, state } of purchases) {
    const order = stored.get(holdId)
    stored.delete(holdId)
    const isBought = state === 'ordered' || state === 'cancelled'
    if (isBought && !order) lost.push(`order ${holdId} of ${customerId}`)
    if (!isBought && order) doubled.push(`order ${show(order)}, the hold was ${state}`)
    if (!isBought || !order) continue
    if (order.status !== (state === 'ordered' ? 'confirmed' : 'cancelled'))
      lost.push(`order ${holdId} was ${state}, but is ${order.status}`)
    if (order.customerId !== customerId || show(order.seatIds) !== show(seatIds))
      wrong.push(`order ${show(order)} is of ${customerId} for ${seatIds}`)
  }
  for (const order of stored.values()) doubled.push(`order ${show(order)}`)
}

/** Every seat has the one owner it was given to, or none. */
function compareSeats(
  purchases: readonly Purchase[],
  documents: Documents,
  isInDoubt: ReadonlySet<string>,
  { lost, doubled, wrong }: CrowdFindings,
): void {
  const owners = new Map<string, string>()
  for (const { eventId, holdId, seatIds, state } of purchases) {
    if (state !== 'held' && state !== 'ordered') continue
    for (const seatId of seatIds) {
      const key = `${eventId}/${seatId}`
      if (owners.has(key)) doubled.push(`seat ${key} was given to ${owners.get(key)} and ${holdId}`)
      owners.set(key, holdId)
    }
  }
  const doubtful = new Set(
    [...(documents.get('holds') ?? []), ...(documents.get('orders') ?? [])]
      .filter(({ customerId }) => isInDoubt.has(String(customerId)))
      .map(({ holdId, orderId }) => holdId ?? orderId),
  )
  for (const seat of documents.get('seats') ?? []) {
    const owner = seat.holdId ?? seat.orderId
    const expected = owners.get(String(seat.key))
    owners.delete(String(seat.key))
    if (doubtful.has(owner)) continue
    if (expected !== undefined && owner === undefined) lost.push(`seat ${seat.key} of ${expected}`)
    else if (expected === undefined && owner !== undefined) doubled.push(`seat ${show(seat)}`)
    else if (expected !== owner) wrong.push(`seat ${show(seat)} belongs to ${expected}`)
    const status = seat.orderId ? 'sold' : seat.holdId ? 'held' : 'free'
    if (seat.status !== status) wrong.push(`seat ${show(seat)} should be ${status}`)
  }
  for (const [key, holdId] of owners) lost.push(`seat ${key} of ${holdId}`)
}

/** A command that was carried out twice would count twice, even where it left nothing else. */
function compareCounts(
  purchases: readonly Purchase[],
  documents: Documents,
  isInDoubt: ReadonlySet<string>,
  { lost, doubled }: CrowdFindings,
): void {
  const expected = new Map<string, number>()
  for (const { eventId, customerId, seatIds, state } of purchases)
    if (state === 'held' || state === 'ordered')
      expected.set(`${eventId}/${customerId}`, seatIds.length)
  for (const { key, count } of documents.get('customerSeats') ?? []) {
    const name = String(key)
    if (isInDoubt.has(name.slice(name.indexOf('/') + 1))) continue
    const wanted = expected.get(name) ?? 0
    expected.delete(name)
    if (Number(count) > wanted) doubled.push(`${name} counts ${count} seats, not ${wanted}`)
    if (Number(count) < wanted) lost.push(`${name} counts ${count} seats, not ${wanted}`)
  }
  for (const [name, count] of expected) lost.push(`${name} counts no seats, not ${count}`)
}
