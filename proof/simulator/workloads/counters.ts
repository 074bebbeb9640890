import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { pick } from '../plan/settings.ts'
import { command, query, type Workload } from './workload.ts'

const most = 12

const counters = defineCache('counters', {
  schema: Type.Object({
    id: Type.String(),
    count: Type.Integer(),
    group: Type.String(),
    visitors: Type.Optional(Type.Array(Type.String())),
  }),
  key: 'id',
  indexes: { byGroup: ['group', 'count'] },
})

const initial = (id: string) => ({ id, count: 0, group: 'open' })

/** Only an operation: any number of them at once, never a collision. */
const bump = defineCommand('bump', {
  input: Type.Object({ id: Type.String(), by: Type.Integer() }),
  handler: (tx, { id, by }) => ({
    count: tx.increment(counters, id, 'count', by, {
      min: 0,
      max: most,
      initial: initial(id),
      otherwise: 'out_of_range',
    }),
  }),
})

/** An operation whose outcome decides what else is done: the prediction becomes a read. */
const bumpAndClose = defineCommand('bumpAndClose', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const count = tx.increment(counters, id, 'count', 1, {
      max: most,
      initial: initial(id),
      otherwise: 'out_of_range',
    })
    const isFull = count.predicted === most
    if (isFull) tx.put(counters, { id: `${id} full`, count: most, group: 'full' })
    return { count, isFull }
  },
})

const sign = defineCommand('sign', {
  input: Type.Object({ id: Type.String(), visitor: Type.String() }),
  handler: (tx, { id, visitor }) =>
    tx.append(counters, id, 'visitors', [visitor], { max: 9, initial: initial(id) }),
})

/** Reads and writes: collides with everybody else. */
const double = defineCommand('double', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const counter = tx.get(counters, id) ?? tx.reject('unknown', { id })
    if (counter.count * 2 > most) tx.reject('too_much', { count: counter.count })
    tx.put(counters, { ...counter, count: counter.count * 2 })
    return { count: counter.count * 2 }
  },
})

/** What is peeked at may be anything; what is read may not. */
const copy = defineCommand('copy', {
  input: Type.Object({ id: Type.String(), to: Type.String() }),
  handler: (tx, { id, to }) => {
    const seen = tx.peek(counters, id)?.count ?? 0
    tx.put(counters, { id: to, count: seen, group: 'copies' })
    return { seen }
  },
})

const reset = defineCommand('reset', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    if (!tx.get(counters, id)) tx.reject('unknown', { id })
    tx.delete(counters, id)
  },
})

const look = defineCommand('look', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => ({ count: tx.get(counters, id)?.count ?? null }),
})

const standings = defineQuery('standings', {
  input: Type.Object({}),
  handler: (read) => ({
    open: read
      .range(counters, 'byGroup', { equals: ['open'] })
      .map(({ id, count }) => `${id}=${count}`),
    full: read.range(counters, 'byGroup', { equals: ['full'] }).length,
  }),
})

const ids = ['c0', 'c1', 'c2']

/** A few hot counters, changed by operations and by reading and writing, at the same time. */
export const countersWorkload: Workload = {
  name: 'counters',
  description: 'hot counters with bounds, lists, predicted outcomes, collisions',
  space: defineSpace('counters', {
    caches: [counters],
    commands: [bump, bumpAndClose, sign, double, copy, reset, look],
    queries: [standings],
  }),
  setup: [command('bump', { id: 'c0', by: 1 })],
  next: (random) => {
    const id = pick(random, ids)
    const luck = random.below(100)
    if (luck < 35) return command('bump', { id, by: random.below(5) - 1 })
    if (luck < 48) return command('bumpAndClose', { id })
    if (luck < 58) return command('sign', { id, visitor: `v${random.below(100)}` })
    if (luck < 68) return command('double', { id })
    if (luck < 73) return command('copy', { id, to: `copy of ${id}` })
    if (luck < 80) return command('reset', { id })
    if (luck < 88) return command('look', { id })
    return query('standings')
  },
  invariants: (model) =>
    [...model.entries('counters').values()]
      .filter(({ count }) => (count as number) < 0 || (count as number) > most)
      .map(({ id, count }) => `counter ${id} is at ${count}`),
}
