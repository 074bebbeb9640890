import { GridClient, Rejection } from 'spacegrid/client'
import type { Order, Shop } from './space.ts'

/** Places one order and asks for it: what it was answered, on one line of JSON. */
const [url = '', orderId = '', acknowledge = 'committed'] = process.argv.slice(2)
const client = new GridClient<Shop>(url)
const order: Order = { orderId, customer: 'ann', amount: 3 }
const placed = await client.command('shop', 'placeOrder', order, {
  idempotencyKey: orderId,
  acknowledge: acknowledge === 'persisted' ? 'persisted' : 'committed',
})
const dear = { ...order, orderId: 'dear', amount: 1_000_000 }
const refused = await client.command('shop', 'placeOrder', dear).then(
  () => 'nothing',
  (error: unknown) => (error instanceof Rejection ? error.reason : String(error)),
)
const found = await client.query('shop', 'ordersOf', { customer: 'ann' }, { from: placed.position })
console.log(JSON.stringify({ placed, refused, ids: found.result.orders.map((one) => one.orderId) }))
await client.stop()
