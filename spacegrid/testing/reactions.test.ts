import {
  defineCache,
  defineCommand,
  defineEvent,
  defineProcess,
  defineReaction,
  defineSpace,
  Rejection,
  Type,
} from 'spacegrid'
import { testGrid } from 'spacegrid/testing'
import { expect, test } from 'vitest'

const orders = defineCache('orders', {
  schema: Type.Object({ id: Type.String(), state: Type.String() }),
  key: 'id',
})
const parcels = defineCache('parcels', {
  schema: Type.Object({ id: Type.String(), times: Type.Integer() }),
  key: 'id',
})
const orderPlaced = defineEvent('OrderPlaced', Type.Object({ id: Type.String() }))
const idInput = Type.Object({ id: Type.String() })

const place = defineCommand('place', {
  input: idInput,
  handler(tx, { id }) {
    tx.put(orders, { id, state: 'placed' })
    tx.emit(orderPlaced, { id })
  },
})
const pack = defineCommand('pack', {
  input: idInput,
  handler(tx, { id }) {
    if (id.startsWith('odd')) tx.reject('odd_order', { id })
    tx.increment(parcels, id, 'times', 1, { initial: { id, times: 0 } })
  },
})
const giveUp = defineCommand('giveUp', {
  input: Type.Object({ id: Type.String(), reason: Type.String() }),
  handler(tx, { id, reason }) {
    tx.put(orders, { id, state: reason })
  },
})

const packing = defineReaction('packing', {
  on: orderPlaced,
  key: ({ id }) => id,
  command: pack,
  input: ({ id }) => ({ id }),
  onRejected: { command: giveUp, input: ({ id }, { reason }) => ({ id, reason }) },
})

const shop = defineSpace('shop', {
  caches: [orders, parcels],
  commands: [place, pack, giveUp],
  reactions: [packing],
})

test('an event becomes a command, once', async () => {
  await using grid = await testGrid(shop, { units: 2 })
  await grid.when(place, { id: 'a' })
  await grid.when(place, { id: 'odd1' })
  await grid.advance(5000)
  expect(grid.entries(parcels)).toEqual([{ id: 'a', times: 1 }])
  expect(grid.entry(orders, 'odd1')).toEqual({ id: 'odd1', state: 'odd_order' })
  await grid.agree()
})

const paid: string[] = []
const refunded: string[] = []
const selling = defineProcess('selling', {
  on: orderPlaced,
  undo: { command: giveUp, input: ({ event, failure }) => ({ ...event, reason: failure.reason }) },
  steps: (process) =>
    process
      .call('payment', {
        run: async ({ event }, { id }) => {
          if (event.id === 'broke') throw new Rejection('no_money')
          paid.push(id)
          if (paid.length === 1) throw new Error('try again')
          return { receipt: `receipt for ${event.id}` }
        },
        undo: ({ result }) => void refunded.push(result?.receipt ?? 'nothing'),
      })
      .command('parcel', {
        command: pack,
        input: ({ event, payment }) => ({ id: `${event.id} ${payment.receipt}` }),
      }),
})

test('a process goes on, or back', async () => {
  const store = defineSpace('store', {
    caches: [orders, parcels],
    commands: [place, pack, giveUp],
    reactions: [selling],
  })
  await using grid = await testGrid(store, { units: 2 })
  for (const id of ['a', 'broke', 'odd']) await grid.when(place, { id })
  await grid.advance(10_000)
  expect(grid.entries(parcels)).toEqual([{ id: 'a receipt for a', times: 1 }])
  expect(grid.entries(orders)).toEqual([
    { id: 'a', state: 'placed' },
    { id: 'broke', state: 'no_money' },
    { id: 'odd', state: 'odd_order' },
  ])
  expect(refunded).toEqual(['receipt for odd'])
  await grid.agree()
})
