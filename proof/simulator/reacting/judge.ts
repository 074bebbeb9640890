import { type OutboxEntry, outboxCache } from '@spacegrid/grid/core/outbox'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Cache } from '@spacegrid/grid/core/transaction'
import type { Bank } from './bank.ts'
import { customers, journals, orders, tickets } from './spaces.ts'

export function entriesOf<V>(state: SpaceState, cache: Cache<V>): V[] {
  const layout = state.layout.named(cache.name)
  if (!layout) return []
  return [...state.cache(layout.number).entries.values()].map(({ value }) => value as V)
}

/** What has still to be done, dead letters included. */
export const outboxOf = (shop: SpaceState): OutboxEntry[] => entriesOf(shop, outboxCache)

/**
 * Every order has been confirmed, and has one ticket that is paid for; or cancelled, and has none,
 * and what was paid was given back. Everything was done once, and in the order of the log per key.
 * @param acknowledged orders that callers have been told of
 */
export function judge(
  shop: SpaceState,
  office: SpaceState,
  bank: Bank,
  acknowledged: ReadonlySet<string>,
  count: (what: string) => void,
): string[] {
  const problems: string[] = []
  const issued = new Map(entriesOf(office, tickets).map((ticket) => [ticket.id, ticket]))
  const paid = Map.groupBy(bank.payments.values(), ({ order }) => order)
  const known = entriesOf(shop, orders)
  for (const { id, state, changes } of known) {
    const ticket = issued.get(id) ?? { issued: 0, withdrawn: 0 }
    const payments = paid.get(id) ?? []
    const isPaid = payments.some((payment) => payment.state === 'paid')
    const isRight =
      state === 'confirmed'
        ? ticket.issued === 1 && ticket.withdrawn === 0 && isPaid
        : state === 'cancelled' &&
          ticket.issued === ticket.withdrawn &&
          ticket.issued <= 1 &&
          !isPaid
    count(`orders: ${state}${ticket.withdrawn > 0 ? ', ticket withdrawn' : ''}`)
    if (!isRight || changes !== 1 || payments.length > 1)
      problems.push(
        `order ${id} is ${state} after ${changes} changes, its ticket was issued ${ticket.issued} times and withdrawn ${ticket.withdrawn}, its payments: ${payments.map((it) => it.state)}`,
      )
  }
  for (const id of acknowledged)
    if (!known.some((order) => order.id === id)) problems.push(`order ${id} is not there`)
  const noted = new Map(entriesOf(office, journals).map(({ id, ns }) => [id, ns]))
  for (const { id, orders: count } of entriesOf(shop, customers)) {
    const wanted = Array.from({ length: count }, (_, at) => at + 1)
    if (String(noted.get(id) ?? []) !== String(wanted))
      problems.push(`of customer ${id} is noted ${noted.get(id)}, not 1 to ${count}`)
  }
  return problems
}
