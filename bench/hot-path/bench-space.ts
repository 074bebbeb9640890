import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid'

/** Entries of about 200 bytes with two indexes, as the figures of the peers were taken with. */
export const items = defineCache('items', {
  schema: Type.Object({
    itemId: Type.String(),
    group: Type.Integer(),
    rank: Type.Integer(),
    status: Type.String(),
    count: Type.Integer(),
    title: Type.String(),
    note: Type.String(),
  }),
  key: 'itemId',
  indexes: { byGroup: ['group', 'rank'], byStatus: ['status', 'rank'] },
})

export const itemsPerGroup = 10
const note =
  'An entry of about two hundred bytes, so that figures can be compared with those of others.'

export const itemOf = (number: number, count = 0) => ({
  itemId: `item-${number}`,
  group: Math.floor(number / itemsPerGroup),
  rank: number,
  status: number % 2 === 0 ? 'even' : 'odd',
  count,
  title: `Item number ${number}`,
  note,
})

/** Entries of about 100 bytes without an index: the least a transaction can be. */
export const smallItems = defineCache('smallItems', {
  schema: Type.Object({ itemId: Type.String(), count: Type.Integer(), note: Type.String() }),
  key: 'itemId',
})

const smallNote = 'An entry of about one hundred bytes.'

const touchSmall = defineCommand('touchSmall', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }), by: Type.Integer() }),
  handler: (tx, { itemId, by }) => {
    const count = (tx.get(smallItems, itemId)?.count ?? 0) + by
    tx.put(smallItems, { itemId, count, note: smallNote })
    return { count }
  },
})

const load = defineCommand('load', {
  input: Type.Object({ from: Type.Integer(), count: Type.Integer({ maximum: 100_000 }) }),
  handler: (tx, { from, count }) => {
    for (let number = from; number < from + count; number++) tx.put(items, itemOf(number))
    return { count }
  },
})

/** Reads one entry and writes it: the transaction of the figures. */
const touch = defineCommand('touch', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }), by: Type.Integer() }),
  handler: (tx, { itemId, by }) => {
    const item = tx.get(items, itemId) ?? tx.reject('no_such_item')
    tx.put(items, { ...item, count: item.count + by })
    return { count: item.count + by }
  },
})

/** The same as an operation, evaluated when it is melded. */
const bump = defineCommand('bump', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }) }),
  handler: (tx, { itemId }) => ({ count: tx.increment(items, itemId, 'count', 1) }),
})

const total = defineProjection('total', {
  cache: items,
  initial: () => ({ count: 0 }),
  apply: (model, { before, after }) => {
    model.count += (after?.count ?? 0) - (before?.count ?? 0)
  },
})

const byGroup = defineQuery('byGroup', {
  input: Type.Object({ group: Type.Integer() }),
  handler: (read, { group }) =>
    read.range(items, 'byGroup', { equals: [group], limit: itemsPerGroup }),
})

const item = defineQuery('item', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }) }),
  handler: (read, { itemId }) => read.get(items, itemId) ?? read.notFound(`no item ${itemId}`),
})

const totalCount = defineQuery('total', {
  input: Type.Object({}),
  handler: (read) => ({ count: read.projection(total).count }),
})

export const benchSpace = (name: string) =>
  defineSpace(name, {
    caches: [items, smallItems],
    commands: [load, touch, touchSmall, bump],
    queries: [byGroup, item, totalCount],
    projections: [total],
  })
