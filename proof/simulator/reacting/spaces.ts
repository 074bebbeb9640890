import type { Host } from '@spacegrid/grid/kit/host'
import {
  defineCache,
  defineCommand,
  defineEvent,
  defineProcess,
  defineReaction,
  defineSpace,
  type Space,
  Type,
} from 'spacegrid'
import type { Bank } from './bank.ts'

const text = Type.String()
const order = Type.Object({ id: text, customer: text, n: Type.Integer() })
const placed = defineEvent('OrderPlaced', order)

/** The space that reacts. */
export const orders = defineCache('orders', {
  schema: Type.Object({
    ...order.properties,
    state: text,
    /** Changes of its state: one at most. */
    changes: Type.Integer(),
  }),
  key: 'id',
})
export const customers = defineCache('customers', {
  schema: Type.Object({ id: text, orders: Type.Integer(), isBlocked: Type.Boolean() }),
  key: 'id',
})

const place = defineCommand('place', {
  input: Type.Object({ id: text, customer: text }),
  handler(tx, { id, customer }) {
    if (tx.get(orders, id)) return tx.reject('order_exists')
    const known = tx.get(customers, customer) ?? { id: customer, orders: 0, isBlocked: false }
    const n = known.orders + 1
    tx.put(customers, { ...known, orders: n })
    tx.put(orders, { id, customer, n, state: 'placed', changes: 0 })
    tx.emit(placed, { id, customer, n })
    return { n }
  },
})

const turn = defineCommand('turn', {
  input: Type.Object({ customer: text }),
  handler(tx, { customer }) {
    const known = tx.get(customers, customer) ?? { id: customer, orders: 0, isBlocked: false }
    tx.put(customers, { ...known, isBlocked: !known.isBlocked })
    return { isBlocked: !known.isBlocked }
  },
})

const change = (name: 'confirm' | 'cancel', state: string) =>
  defineCommand(name, {
    input: Type.Object({ id: text }),
    handler(tx, { id }) {
      const known = tx.get(orders, id) ?? tx.reject('order_not_found')
      if (name === 'confirm' && tx.get(customers, known.customer)?.isBlocked)
        return tx.reject('blocked')
      // Whether it is done twice, or done and undone, is to be seen.
      tx.put(orders, { ...known, state, changes: known.changes + 1 })
      return { id }
    },
  })
const confirm = change('confirm', 'confirmed')
const cancel = change('cancel', 'cancelled')

/** The space that it reacts on. */
export const tickets = defineCache('tickets', {
  schema: Type.Object({ id: text, issued: Type.Integer(), withdrawn: Type.Integer() }),
  key: 'id',
})
export const journals = defineCache('journals', {
  schema: Type.Object({ id: text, ns: Type.Array(Type.Integer()) }),
  key: 'id',
})
const stock = defineCache('stock', {
  schema: Type.Object({ id: text, left: Type.Integer() }),
  key: 'id',
})

const issue = defineCommand('issue', {
  input: Type.Object({ id: text }),
  handler(tx, { id }) {
    const known = tx.get(tickets, id) ?? { id, issued: 0, withdrawn: 0 }
    // Refused where it is melded.
    tx.increment(stock, 'all', 'left', -1, {
      min: 0,
      otherwise: 'sold_out',
      initial: { id: 'all', left: 3 },
    })
    tx.put(tickets, { ...known, issued: known.issued + 1 })
    return { ticket: `ticket of ${id}` }
  },
})
const withdraw = defineCommand('withdraw', {
  input: Type.Object({ id: text }),
  handler(tx, { id }) {
    const known = tx.get(tickets, id) ?? tx.reject('no_ticket')
    tx.put(tickets, { ...known, withdrawn: known.withdrawn + 1 })
    tx.increment(stock, 'all', 'left', 1)
    return { id }
  },
})
const restock = defineCommand('restock', {
  input: Type.Object({ by: Type.Integer() }),
  handler: (tx, { by }) => ({
    left: tx.increment(stock, 'all', 'left', by, { initial: { id: 'all', left: 3 } }),
  }),
})
const note = defineCommand('note', {
  input: Type.Object({ customer: text, n: Type.Integer() }),
  handler(tx, { customer, n }) {
    tx.append(journals, customer, 'ns', [n], { initial: { id: customer, ns: [] } })
    return { n }
  },
})

export const office: Space = defineSpace('office', {
  caches: [tickets, journals, stock],
  commands: [issue, withdraw, restock, note],
})

/** Every process has its own, for it calls the bank from there. */
export function makeShop(host: Host, bank: Bank): Space {
  const selling = defineProcess('selling', {
    on: placed,
    retry: { attemptsMax: 3, pauseMs: 20, pauseMsMax: 100 },
    undo: { command: cancel, input: ({ event: { id } }) => ({ id }) },
    steps: (process) =>
      process
        .call('payment', {
          attemptMs: 150,
          run: ({ event }, { id }) => bank.pay(host, id, event.id, event.n % 5 === 4),
          undo: ({ event }, { id }) => bank.refund(host, id, event.id),
        })
        .command('ticket', {
          space: 'office',
          command: issue,
          timeoutMs: 2500,
          input: ({ event, payment }) => ({
            id: payment.slice('receipt of '.length, 99) || event.id,
          }),
          undo: { space: 'office', command: withdraw, input: ({ event: { id } }) => ({ id }) },
        })
        .command('confirmation', {
          command: confirm,
          input: ({ event: { id } }) => ({ id }),
        }),
  })
  const noting = defineReaction('noting', {
    on: placed,
    key: ({ customer }) => customer,
    retry: { pauseMs: 20, pauseMsMax: 100 },
    space: 'office',
    command: note,
    input: ({ customer, n }) => ({ customer, n }),
  })
  return defineSpace('shop', {
    caches: [orders, customers],
    commands: [place, turn, confirm, cancel],
    reactions: [selling, noting],
  })
}
