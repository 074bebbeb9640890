import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'

/** Counters, each in the partition of its id; tickets in that of their counter. */
export const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
  indexes: { byCount: ['count'] },
  partitionBy: 'id',
})

export const tickets = defineCache('tickets', {
  schema: Type.Object({ ticket: Type.String(), counter: Type.String() }),
  key: 'ticket',
  partitionBy: 'counter',
})

const input = Type.Object({ id: Type.String() })

export const add = defineCommand('add', {
  input,
  partitionBy: 'id',
  handler: (tx, { id }) => {
    const count = (tx.get(counters, id)?.count ?? 0) + 1
    tx.put(counters, { id, count })
    return { count }
  },
})

export const draw = defineCommand('draw', {
  input: Type.Object({ id: Type.String(), ticket: Type.String() }),
  partitionBy: 'id',
  handler: (tx, { id, ticket }) => {
    if (tx.get(tickets, ticket)) tx.reject('drawn_before', { ticket, of: [id] })
    tx.put(tickets, { ticket, counter: id })
  },
})

export const count = defineQuery('count', {
  input,
  partitionBy: 'id',
  handler: (read, { id }) => ({ count: read.get(counters, id)?.count ?? null }),
})

export const total = defineQuery('total', {
  input: Type.Object({}),
  everyPartition: {
    merge: (results) => ({
      total: (results as { total: number }[]).reduce((sum, it) => sum + it.total, 0),
    }),
  },
  handler: (read) => ({ total: read.count(counters) }),
})

/** Its merge promises what it never gives. */
export const never = defineQuery('never', {
  input: Type.Object({}),
  everyPartition: { merge: (): number => new Promise(() => undefined) as unknown as number },
  handler: () => 1,
})

/** Makes its input another one. */
export const changing = defineQuery('changing', {
  input: Type.Object({ by: Type.Integer() }),
  everyPartition: { merge: (results, { by }) => [results.length, by] },
  handler: (_, asked) => Object.assign(asked, { by: 1 + asked.by }),
})

export const divided = defineSpace('divided', {
  partitions: 8,
  caches: [counters, tickets],
  commands: [add, draw],
  queries: [count, total, never, changing],
})
