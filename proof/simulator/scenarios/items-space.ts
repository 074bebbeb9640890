import { defineCache, defineCommand, defineSpace, type Space, Type } from 'spacegrid'

export const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), group: Type.String(), size: Type.Integer() }),
  key: 'id',
  indexes: { byGroup: ['group', 'size'] },
})

export const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})

const put = defineCommand('put', {
  input: Type.Object({ id: Type.String(), size: Type.Integer() }),
  handler: (tx, { id, size }) => {
    const before = tx.get(items, id)
    tx.put(items, { id, group: size % 2 ? 'odd' : 'even', size })
    tx.emit('itemPut', { id, size })
    return { size: before?.size ?? 0 }
  },
})

const remove = defineCommand('remove', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    if (!tx.get(items, id)) tx.reject('unknown')
    tx.delete(items, id)
  },
})

const bump = defineCommand('bump', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => ({
    count: tx.increment(counters, id, 'count', 1, { initial: { id, count: 0 } }),
  }),
})

/** Claims some items of a group: which ones is decided when it is melded. */
const regroup = defineCommand('regroup', {
  input: Type.Object({ limit: Type.Integer() }),
  handler: (tx, { limit }) => {
    tx.take(items, 'byGroup', { equals: ['odd'], limit }, { group: 'taken' }, { atLeast: 0 })
  },
})

const fill = defineCommand('fill', {
  input: Type.Object({ prefix: Type.String(), count: Type.Integer() }),
  handler: (tx, { prefix, count }) => {
    for (let n = 0; n < count; n++) tx.put(items, { id: `${prefix}${n}`, group: 'filled', size: n })
  },
})

/**
 * Everything that leaves a trace in a store: puts, deletes, operations, events, large transactions.
 */
export const createItemsSpace = (name: string): Space =>
  defineSpace(name, {
    caches: [items, counters],
    commands: [put, remove, bump, regroup, fill],
  })

export const itemsSpace = createItemsSpace('test')
