import {
  defineCache,
  defineCommand,
  defineEvent,
  defineProjection,
  defineQuery,
  defineReaction,
  defineSpace,
  Type,
} from 'spacegrid'

const sku = Type.String({ minLength: 1, maxLength: 64, examples: ['tea'] })
const warehouse = Type.String({ minLength: 1, maxLength: 64, examples: ['north'] })
const quantity = Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [10] })

export const products = defineCache('products', {
  schema: Type.Object({ sku, warehouse, available: Type.Integer({ minimum: 0 }) }),
  key: 'sku',
  indexes: { byWarehouse: ['warehouse', 'sku'] },
  readable: true,
})

/** What is kept for a customer until it is shipped; when its time is over it is available again. */
export const reservations = defineCache('reservations', {
  schema: Type.Object({ id: Type.String(), sku, warehouse, quantity, expiresAt: Type.Integer() }),
  key: 'id',
  expiry: 'expiresAt',
  onExpire: (tx, { id, sku, quantity }) => {
    tx.increment(products, sku, 'available', quantity)
    tx.delete(reservations, id)
  },
})

/** What has been ordered and has not come. */
export const orders = defineCache('orders', { schema: Type.Object({ sku, quantity }), key: 'sku' })

/** The read model: a row for each warehouse, made of what both caches hold. */
export const warehouses = defineProjection('warehouses', {
  of: [products, reservations],
  groupBy: ['warehouse'],
  values: ({ sum }) => ({
    available: sum((item) => ('available' in item ? item.available : 0)),
    reserved: sum((item) => ('quantity' in item ? item.quantity : 0)),
  }),
  readable: true,
})

const stockLow = defineEvent('StockLow', Type.Object({ sku, quantity }))

export const receive = defineCommand('receive', {
  description: 'Goods have come to a warehouse.',
  rejections: ['in_other_warehouse'],
  input: Type.Object({ sku, warehouse, quantity }),
  handler: (tx, { sku, warehouse, quantity }) => {
    const product = tx.get(products, sku) ?? { sku, warehouse, available: 0 }
    if (product.warehouse !== warehouse) tx.reject('in_other_warehouse')
    tx.put(products, { ...product, available: product.available + quantity })
    tx.delete(orders, sku)
  },
})

export const reserve = defineCommand('reserve', {
  description: 'Keeps some of a product for a customer: for 15 minutes, or `forMs`.',
  rejections: ['product_not_found', 'not_enough'],
  input: Type.Object({ sku, quantity, forMs: Type.Optional(Type.Integer({ minimum: 1 })) }),
  handler: (tx, { sku, quantity, forMs = 900_000 }) => {
    const { available, warehouse } = tx.get(products, sku) ?? tx.reject('product_not_found')
    if (available < quantity) tx.reject('not_enough', { available })
    const reserved = { id: tx.newId(), sku, warehouse, quantity, expiresAt: tx.now + forMs }
    tx.put(reservations, reserved)
    tx.put(products, { sku, warehouse, available: available - quantity })
    // Once, with the reservation that leaves fewer than 5: 20 more are wanted then.
    if (available >= 5 && available - quantity < 5) tx.emit(stockLow, { sku, quantity: 20 })
    return reserved
  },
})

export const ship = defineCommand('ship', {
  rejections: ['reservation_not_found'],
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    if (!tx.get(reservations, id)) tx.reject('reservation_not_found')
    tx.delete(reservations, id)
  },
})

export const reorder = defineCommand('reorder', {
  input: Type.Object({ sku, quantity }),
  handler: (tx, order) => tx.put(orders, order),
})

const onLow = defineReaction('onLow', { on: stockLow, command: reorder, input: (low) => low })

export const stock = defineQuery('stock', {
  description: 'The products of a warehouse by pages: `cursor` is the `next` of the page before.',
  input: Type.Object({
    warehouse,
    limit: Type.Optional(quantity),
    cursor: Type.Optional(Type.String()),
  }),
  handler: (read, { warehouse, ...page }) => ({
    total: read.get(warehouses, warehouse) ?? read.notFound('no such warehouse'),
    ...read.page(products, 'byWarehouse', { equals: [warehouse], limit: 20, ...page }),
  }),
})

export default defineSpace('inventory', {
  caches: [products, reservations, orders],
  projections: [warehouses],
  commands: [receive, reserve, ship, reorder],
  queries: [stock],
  reactions: [onLow],
  readableEvents: { StockLow: true },
})
