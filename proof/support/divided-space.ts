import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/** Counters, eight partitions of them: each knows its own sum. */
const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
})

const input = Type.Object({ id: Type.String() })

const add = defineCommand('add', {
  input,
  partitionBy: 'id',
  handler: (tx, { id }) => {
    const count = (tx.get(counters, id)?.count ?? 0) + 1
    tx.put(counters, { id, count })
    return { count }
  },
})

const count = defineQuery('count', {
  input,
  partitionBy: 'id',
  handler: (read, { id }) => ({ count: read.get(counters, id)?.count ?? 0 }),
})

const entries = defineQuery('entries', {
  input: Type.Object({}),
  handler: (read) => ({ entries: read.count(counters) }),
  everyPartition: {
    merge: (all) => ({ entries: all.reduce((sum, { entries }) => sum + entries, 0) }),
  },
})

export const divided = defineSpace('divided', {
  partitions: 8,
  caches: [counters],
  commands: [add],
  queries: [count, entries],
})
