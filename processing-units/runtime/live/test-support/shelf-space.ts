import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'

export const items = defineCache('items', {
  schema: Type.Object({
    id: Type.String(),
    group: Type.String(),
    rank: Type.Integer(),
    secret: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byRank: ['group', 'rank'], bySecret: ['secret'] },
  readable: ['id', 'group', 'rank'],
})

const hidden = defineCache('hidden', { schema: Type.Object({ id: Type.String() }), key: 'id' })

const put = defineCommand('put', {
  input: Type.Object({
    id: Type.String(),
    group: Type.String(),
    rank: Type.Integer(),
    secret: Type.Optional(Type.String()),
  }),
  handler: (tx, item) => {
    tx.put(items, item)
    tx.emit('ItemPut', { id: item.id, rank: item.rank, secret: item.secret ?? '' })
    if (item.rank % 2 === 0) tx.emit('EvenPut', { id: item.id })
  },
})

const drop = defineCommand('drop', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    tx.delete(items, id)
    tx.emit('ItemDropped', { id })
  },
})

const tell = defineCommand('tell', {
  input: Type.Object({ name: Type.String(), text: Type.String() }),
  handler: (tx, { name, text }) => tx.emit(name, { text }),
})

const ofGroup = defineQuery('ofGroup', {
  input: Type.Object({ group: Type.String() }),
  handler: (read, { group }) =>
    read.range(items, 'byRank', { equals: [group] }).map(({ id, rank }) => ({ id, rank })),
})

const item = defineQuery('item', {
  input: Type.Object({ id: Type.String() }),
  handler: (read, { id }) => read.get(items, id) ?? read.notFound('no such item'),
})

export const shelf = defineSpace('shelf', {
  caches: [items, hidden],
  commands: [put, drop, tell],
  queries: [ofGroup, item],
  readableEvents: {
    ItemPut: ['id', 'rank'],
    EvenPut: true,
    ItemDropped: true,
    reset: true,
    'two words': true,
  },
})
