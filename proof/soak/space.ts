import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/*
 * What changes all the time and never becomes more: a fixed number of items, and visits that
 * expire.
 */

const id = Type.String({ minLength: 1, maxLength: 32 })

const items = defineCache('items', {
  schema: Type.Object({ id, group: Type.Integer(), size: Type.Integer(), text: Type.String() }),
  key: 'id',
  indexes: { byGroup: ['group', 'size'] },
})

const visits = defineCache('visits', {
  schema: Type.Object({ id, expiresAt: Type.Integer() }),
  key: 'id',
  expiry: 'expiresAt',
})

const write = defineCommand('write', {
  input: Type.Object({ id, group: Type.Integer(), size: Type.Integer() }),
  handler: (tx, { id, group, size }) => {
    tx.put(items, { id, group, size, text: 'x'.repeat(50 + (size % 50)) })
    tx.emit('ItemWritten', { id })
  },
})

const add = defineCommand('add', {
  input: Type.Object({ id }),
  handler: (tx, { id }) => {
    const item = tx.get(items, id) ?? tx.reject('no_item', { id })
    tx.put(items, { ...item, size: (item.size + 1) % 1000 })
  },
})

const drop = defineCommand('drop', {
  input: Type.Object({ id }),
  handler: (tx, { id }) => {
    if (tx.get(items, id)) tx.delete(items, id)
  },
})

const visit = defineCommand('visit', {
  input: Type.Object({ id, forMs: Type.Integer({ minimum: 1, maximum: 60_000 }) }),
  handler: (tx, { id, forMs }) => {
    tx.put(visits, { id, expiresAt: tx.now + forMs })
  },
})

const ofGroup = defineQuery('ofGroup', {
  input: Type.Object({ group: Type.Integer() }),
  handler: (read, { group }) =>
    read.range(items, 'byGroup', { equals: [group], limit: 20 }).map(({ id }) => id),
})

export default defineSpace('soak', {
  caches: [items, visits],
  commands: [write, add, drop, visit],
  queries: [ofGroup],
})
