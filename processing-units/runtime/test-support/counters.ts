import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'

/**
 * A space for tests of the runtime: counters that are read and written, and one that is only added
 * to.
 */
export const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer(), text: Type.String() }),
  key: 'id',
})

export const put = defineCommand('put', {
  input: Type.Object({
    id: Type.String(),
    count: Type.Integer(),
    text: Type.Optional(Type.String()),
  }),
  handler: (tx, { id, count, text = '' }) => {
    tx.put(counters, { id, count, text })
    return { count }
  },
})

export const add = defineCommand('add', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const count = (tx.get(counters, id)?.count ?? 0) + 1
    tx.put(counters, { id, count, text: '' })
    return { count }
  },
})

export const addKnown = defineCommand('addKnown', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const { count, text } = tx.get(counters, id) ?? tx.reject('unknown')
    tx.put(counters, { id, count: count + 1, text })
  },
})

/** An operation: refused at `max` when it is melded. */
export const bump = defineCommand('bump', {
  input: Type.Object({ id: Type.String(), max: Type.Integer() }),
  handler: (tx, { id, max }) => ({
    count: tx.increment(counters, id, 'count', 1, { max, otherwise: 'full' }),
  }),
})

export const read = defineQuery('read', {
  input: Type.Object({ id: Type.String() }),
  handler: (reader, { id }) => ({ count: reader.get(counters, id)?.count ?? null }),
})

export const counting = defineSpace('counting', {
  caches: [counters],
  commands: [put, add, addKnown, bump],
  queries: [read],
})
