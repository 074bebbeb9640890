import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  type Static,
  Type,
} from 'spacegrid'

const orderSchema = Type.Object({
  orderId: Type.String(),
  customer: Type.String(),
  amount: Type.Integer({ minimum: 1 }),
})

export type Order = Static<typeof orderSchema>

export const orders = defineCache('orders', {
  schema: orderSchema,
  key: 'orderId',
  indexes: { byCustomer: ['customer', 'orderId'] },
  readable: true,
})

const placeOrder = (amountMax: number) =>
  defineCommand('placeOrder', {
    input: Type.Object({
      orderId: Type.String({ minLength: 1 }),
      customer: Type.String({ minLength: 1 }),
      amount: Type.Integer({ minimum: 1 }),
    }),
    result: Type.Object({ orderId: Type.String() }),
    handler(tx, order) {
      if (order.amount > amountMax) tx.reject('too_much', { amountMax })
      if (tx.get(orders, order.orderId)) tx.reject('order_exists')
      tx.put(orders, order)
      tx.emit('OrderPlaced', { orderId: order.orderId })
      return { orderId: order.orderId }
    },
  })

const failing = defineCommand('break', {
  input: Type.Object({}),
  handler(tx) {
    // No such cache field: the grid throws, the application is at fault.
    tx.put(orders, JSON.parse('{"orderId":1}'))
  },
})

const totals = defineProjection('totals', {
  of: orders,
  groupBy: ['customer'],
  values: ({ sum }) => ({ total: sum('amount') }),
})

const ordersOf = defineQuery('ordersOf', {
  input: Type.Object({ customer: Type.String() }),
  handler: (read, { customer }) => ({
    orders: read.range(orders, 'byCustomer', { equals: [customer] }),
    total: read.get(totals, customer)?.total ?? 0,
  }),
})

export interface ShopOptions {
  readonly amountMax: number
}

/** A space of a user's own, as small as one can be that uses each part. */
export function createShop({ amountMax }: ShopOptions) {
  return defineSpace('shop', {
    caches: [orders],
    commands: [placeOrder(amountMax), failing],
    queries: [ordersOf],
    projections: [totals],
  })
}

export type Shop = ReturnType<typeof createShop>
