import type { Serving } from '@spacegrid/grid/doors/request/serving'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from 'spacegrid'

export const itemSchema = Type.Object({
  itemId: Type.String(),
  group: Type.Integer(),
  rank: Type.Integer(),
  status: Type.String(),
  count: Type.Integer(),
  title: Type.String(),
  note: Type.String(),
})

/** Entries of about 200 bytes with two indexes, as the figures of the peers were taken with. */
export const items = defineCache('items', {
  schema: itemSchema,
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

const smallItemOf = (number: number) => ({
  itemId: `item-${number}`,
  count: 0,
  note: smallNote,
})

const touchSmallInput = Type.Object({ itemId: Type.String({ maxLength: 64 }), by: Type.Integer() })

const touchSmall = defineCommand('touchSmall', {
  input: touchSmallInput,
  handler: (tx, { itemId, by }) => {
    const count = (tx.get(smallItems, itemId)?.count ?? 0) + by
    tx.put(smallItems, { itemId, count, note: smallNote })
    return { count }
  },
})

/** The same, done by one unit while its key is hot. */
const touchHome = defineCommand('touchHome', {
  input: touchSmallInput,
  affinity: 'itemId',
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

const loadSmall = defineCommand('loadSmall', {
  input: Type.Object({ from: Type.Integer(), count: Type.Integer({ maximum: 100_000 }) }),
  handler: (tx, { from, count }) => {
    for (let number = from; number < from + count; number++) tx.put(smallItems, smallItemOf(number))
    return { count }
  },
})

export const touchInput = Type.Object({
  itemId: Type.String({ maxLength: 64 }),
  by: Type.Integer(),
})
export const countResult = Type.Object({ count: Type.Integer() })

/** Reads one entry and writes it: the transaction of the figures. */
const touch = defineCommand('touch', {
  input: touchInput,
  result: countResult,
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

const bumpSmall = defineCommand('bumpSmall', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }) }),
  handler: (tx, { itemId }) => ({ count: tx.increment(smallItems, itemId, 'count', 1) }),
})

/** Values as large as one likes, for how things grow. */
export const sizedItems = defineCache('sizedItems', {
  schema: Type.Object({ itemId: Type.String(), count: Type.Integer(), text: Type.String() }),
  key: 'itemId',
})

const textBytesMax = 100_000
const textBytes = Type.Integer({ minimum: 0, maximum: textBytesMax })

const loadSized = defineCommand('loadSized', {
  input: Type.Object({
    from: Type.Integer(),
    count: Type.Integer({ maximum: 100_000 }),
    bytes: textBytes,
  }),
  handler: (tx, { from, count, bytes }) => {
    const text = 'x'.repeat(bytes)
    for (let number = from; number < from + count; number++)
      tx.put(sizedItems, { itemId: `item-${number}`, count: 0, text })
    return { count }
  },
})

const touchSized = defineCommand('touchSized', {
  input: Type.Object({ itemId: Type.String({ maxLength: 64 }) }),
  handler: (tx, { itemId }) => {
    const item = tx.get(sizedItems, itemId) ?? tx.reject('no_such_item')
    tx.put(sizedItems, { ...item, count: item.count + 1 })
    return { count: item.count + 1 }
  },
})

const total = defineProjection('total', {
  of: items,
  values: ({ sum }) => ({ count: sum('count') }),
})

const byGroup = defineQuery('byGroup', {
  input: Type.Object({ group: Type.Integer() }),
  handler: (read, { group }) =>
    read.range(items, 'byGroup', { equals: [group], limit: itemsPerGroup }),
})

export const itemInput = Type.Object({ itemId: Type.String({ maxLength: 64 }) })

const item = defineQuery('item', {
  input: itemInput,
  result: itemSchema,
  handler: (read, { itemId }) => read.get(items, itemId) ?? read.notFound(`no item ${itemId}`),
})

const totalCount = defineQuery('total', {
  input: Type.Object({}),
  handler: (read) => ({ count: read.get(total, 'all')?.count ?? 0 }),
})

const loadBatch = 5_000

/** Writes the entries of both caches. */
export async function loadEntries(
  unit: Pick<Serving, 'execute'>,
  entries: number,
  commands: readonly ('load' | 'loadSmall')[] = ['load', 'loadSmall'],
): Promise<void> {
  for (const command of commands)
    for (let from = 0; from < entries; from += loadBatch)
      await unit.execute(command, { from, count: Math.min(loadBatch, entries - from) })
}

const sizedBatchBytes = 4_000_000

/** Writes entries of about so many bytes each. */
export async function loadSizedEntries(
  unit: Pick<Serving, 'execute'>,
  entries: number,
  bytes: number,
): Promise<void> {
  const batch = Math.max(1, Math.min(loadBatch, Math.floor(sizedBatchBytes / bytes)))
  for (let from = 0; from < entries; from += batch)
    await unit.execute('loadSized', { from, count: Math.min(batch, entries - from), bytes })
}

const commands = [load, loadSmall, loadSized, touch, touchSmall, touchSized, bump, bumpSmall]

/** `affinity`: with a command that declares one. */
export const benchSpace = (name: string, affinity = false) =>
  defineSpace(name, {
    caches: [items, smallItems, sizedItems],
    commands: affinity ? [...commands, touchHome] : commands,
    queries: [byGroup, item, totalCount],
    projections: [total],
  })
