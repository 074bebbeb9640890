import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'

/*
 * Counters in several partitions, each of whose values was there once: one that is not told, or
 * told twice, shows.
 */

const id = Type.String({ minLength: 1, maxLength: 64 })

const counters = defineCache('counters', {
  schema: Type.Object({ id, count: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
  readable: true,
})

const count = defineCommand('count', {
  input: Type.Object({ id }),
  partitionBy: 'id',
  handler: (tx, input) => {
    const { count } = tx.get(counters, input.id) ?? { count: 0 }
    tx.put(counters, { id: input.id, count: count + 1 })
    return { count: count + 1 }
  },
})

export default defineSpace('counting', {
  caches: [counters],
  commands: [count],
  partitions: 4,
})
