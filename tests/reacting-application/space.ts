import {
  defineCache,
  defineCommand,
  defineEvent,
  defineQuery,
  defineReaction,
  defineSpace,
  Type,
} from 'spacegrid'

const id = Type.String()
const order = Type.Object({ id, item: Type.String() })

const orders = defineCache('orders', { schema: order, key: 'id', partitionBy: 'id' })
const placed = defineEvent('OrderPlaced', order)
const place = defineCommand('place', {
  input: order,
  partitionBy: 'id',
  handler(tx, order) {
    tx.put(orders, order)
    tx.emit(placed, order)
  },
})

const cranes = defineCache('cranes', {
  schema: Type.Object({ id }),
  key: 'id',
  partitionBy: 'id',
})
const parcels = defineCache('parcels', {
  schema: Type.Object({ id, times: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
})
const sendCrane = defineCommand('sendCrane', {
  input: Type.Object({ id }),
  partitionBy: 'id',
  handler: (tx, crane) => tx.put(cranes, crane),
})
const pack = defineCommand('pack', {
  input: order,
  partitionBy: 'id',
  handler(tx, { id, item }) {
    if (item === 'piano' && !tx.get(cranes, id)) tx.reject('too_heavy', { item })
    tx.increment(parcels, id, 'times', 1, { initial: { id, times: 0 } })
  },
})
const times = defineQuery('times', {
  input: Type.Object({ id }),
  partitionBy: 'id',
  handler: (read, { id }) => ({ times: read.get(parcels, id)?.times ?? 0 }),
})

/** Two spaces of two partitions each, of which one reacts on the other. */
export const warehouse = defineSpace('warehouse', {
  partitions: 2,
  caches: [cranes, parcels],
  commands: [sendCrane, pack],
  queries: [times],
})

export const shop = defineSpace('shop', {
  partitions: 2,
  caches: [orders],
  commands: [place],
  reactions: [
    defineReaction('packing', {
      on: placed,
      space: 'warehouse',
      command: pack,
      input: (order) => order,
    }),
  ],
})
