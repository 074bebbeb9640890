import { defineCache, defineCommand, defineSpace, type Space, Type } from 'spacegrid'

const id = Type.Object({ id: Type.String() })

export const orders = defineCache('orders', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.Enum(['open', 'closed'], { type: 'string' }),
    closedAt: Type.Optional(Type.Number()),
    notes: Type.Array(Type.String()),
  }),
  key: 'id',
  readable: true,
  indexes: { byStatus: ['status', 'closedAt'] },
  archive: { when: { status: 'closed' }, after: 'closedAt', ms: 0 },
})

const open = defineCommand('open', {
  input: id,
  handler(tx, { id }) {
    if (tx.get(orders, id)) tx.reject('exists')
    tx.put(orders, { id, status: 'open', notes: [] })
  },
})

const close = defineCommand('close', {
  input: id,
  handler(tx, { id }) {
    const order = tx.get(orders, id) ?? tx.reject('not_found')
    tx.put(orders, { ...order, status: 'closed', closedAt: tx.now })
  },
})

const note = defineCommand('note', {
  input: Type.Object({ id: Type.String(), text: Type.String() }),
  handler: (tx, { id, text }) => {
    tx.append(orders, id, 'notes', [text], { otherwise: 'not_found' })
  },
})

const remove = defineCommand('remove', {
  input: id,
  handler: (tx, { id }) => tx.delete(orders, id),
})

const look = defineCommand('look', {
  input: id,
  handler: (tx, { id }) => ({ order: tx.get(orders, id) ?? null }),
})

/** Orders that leave memory as soon as they are closed. */
export const createShop = (name: string): Space =>
  defineSpace(name, { caches: [orders], commands: [open, close, note, remove, look] })
