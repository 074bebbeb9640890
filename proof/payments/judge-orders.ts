type Documents = ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>

export interface OrdersFindings {
  readonly issued: number
  readonly compensated: number
  readonly wrong: readonly string[]
}

/**
 * Whether each order has been paid and has one ticket, or has been cancelled and neither; whatever
 * is there of it.
 * @param ledger of the payment service: a line for each change, `id state`
 * @param acknowledged orders that buyers have been told of
 */
export function judgeOrders(
  ticketing: Documents,
  tickets: Documents,
  ledger: string,
  acknowledged: readonly string[],
): OrdersFindings {
  const wrong: string[] = []
  const orders = ticketing.get('orders') ?? []
  const issued = new Map((tickets.get('issuedTickets') ?? []).map((it) => [it._id, it]))
  const states = new Map<string, string>()
  for (const line of ledger.split('\n').filter(Boolean)) {
    const [id = '', state = ''] = line.split(' ')
    states.set(id, state)
  }
  const paid = new Set([...states].flatMap(([id, state]) => (state === 'paid' ? [id] : [])))
  let compensated = 0
  for (const { _id: orderId, status } of orders) {
    const ticket = issued.get(orderId)
    if (status === 'cancelled' && !ticket) compensated++
    else if (status !== 'confirmed' || !ticket)
      wrong.push(`order ${orderId} is ${status}, and has ${ticket ? 'a' : 'no'} ticket`)
    const payment = String(ticket?.receipt).replace('receipt-', '')
    if (ticket && !paid.delete(payment)) wrong.push(`order ${orderId} is not paid: ${payment}`)
  }
  for (const payment of paid) wrong.push(`payment ${payment} is of no order with a ticket`)
  const known = new Set(orders.map(({ _id }) => _id))
  for (const orderId of acknowledged)
    if (!known.has(orderId)) wrong.push(`order ${orderId} was acknowledged, and is not there`)
  for (const { _id, reaction, fault } of ticketing.get('outbox') ?? [])
    wrong.push(`${_id} of ${reaction} is still to be done: ${fault}`)
  return { issued: issued.size, compensated, wrong }
}
