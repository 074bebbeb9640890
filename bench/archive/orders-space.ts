import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

const order = Type.Object({
  id: Type.String(),
  customer: Type.String(),
  status: Type.Enum(['open', 'closed'], { type: 'string' }),
  orderedAt: Type.Integer(),
  lines: Type.Array(Type.Object({ product: Type.String(), count: Type.Integer() })),
  note: Type.String(),
})

/** `ARCHIVE=no`: the same space, and nothing leaves memory. */
const archive = process.env.ARCHIVE !== 'no'

const orders = defineCache('orders', {
  schema: order,
  key: 'id',
  readable: true,
  indexes: { byCustomer: ['customer', 'orderedAt'] },
  ...(archive ? { archive: { when: { status: 'closed' }, after: 'orderedAt', ms: 0 } } : {}),
})

/** Many at once: what is measured is what becomes of them. */
const takeIn = defineCommand('takeIn', {
  input: Type.Object({
    from: Type.Integer(),
    count: Type.Integer(),
    status: order.properties.status,
  }),
  handler(tx, { from, count, status }) {
    for (let at = from; at < from + count; at++)
      tx.put(orders, {
        id: `order-${at}`,
        customer: `customer-${at % 10_000}`,
        status,
        orderedAt: tx.now,
        lines: [
          { product: `product-${at % 997}`, count: 1 + (at % 3) },
          { product: `product-${at % 991}`, count: 1 },
        ],
        note: 'to the neighbours if nobody is at home',
      })
  },
})

/** An order that has been closed is opened again, wherever it is. */
const reopen = defineCommand('reopen', {
  input: Type.Object({ id: Type.String() }),
  result: Type.Object({ customer: Type.String() }),
  handler(tx, { id }) {
    const order = tx.get(orders, id) ?? tx.reject('no_such_order')
    tx.put(orders, { ...order, status: 'open' })
    return { customer: order.customer }
  },
})

const customersOrder = defineQuery('order', {
  input: Type.Object({ id: Type.String() }),
  result: order,
  handler: (read, { id }) => read.get(orders, id) ?? read.notFound('No such order'),
})

export const shop = defineSpace('shop', {
  caches: [orders],
  commands: [takeIn, reopen],
  queries: [customersOrder],
})
