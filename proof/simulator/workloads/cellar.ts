import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { pick } from '../plan/settings.ts'
import { command, query, type Workload } from './workload.ts'

const bottle = Type.Object({
  id: Type.String(),
  state: Type.Enum(['open', 'closed', 'broken'], { type: 'string' }),
  closedAt: Type.Optional(Type.Integer()),
  sips: Type.Integer(),
  notes: Type.Array(Type.String()),
})

const bottles = defineCache('bottles', {
  schema: bottle,
  key: 'id',
  indexes: { byState: ['state', 'id'] },
  archive: { when: { state: ['closed', 'broken'] }, after: 'closedAt', ms: 20 },
})

const id = Type.Object({ id: Type.String() })

const fill = defineCommand('fill', {
  input: id,
  handler: (tx, { id }) => {
    const before = tx.get(bottles, id)
    if (before) tx.reject('taken', { sips: before.sips })
    tx.put(bottles, { id, state: 'open', sips: 0, notes: [] })
  },
})

/** Without looking: whatever is there, in memory or not, is gone. */
const replace = defineCommand('replace', {
  input: id,
  handler: (tx, { id }) => {
    tx.put(bottles, { id, state: 'open', sips: 100, notes: ['new'] })
  },
})

const close = defineCommand('close', {
  input: Type.Object({
    id: Type.String(),
    state: Type.Enum(['closed', 'broken'], { type: 'string' }),
  }),
  handler: (tx, { id, state }) => {
    const before = tx.get(bottles, id) ?? tx.reject('none')
    tx.put(bottles, { ...before, state, closedAt: tx.now })
    return { sips: before.sips }
  },
})

const sip = defineCommand('sip', {
  input: Type.Object({ id: Type.String(), note: Type.Optional(Type.String()) }),
  handler: (tx, { id, note }) => {
    const sips = tx.increment(bottles, id, 'sips', 1, { otherwise: 'none' })
    if (note !== undefined) tx.append(bottles, id, 'notes', [note], { otherwise: 'none' })
    return { sips }
  },
})

/** Begins with one where there is none, wherever that might be. */
const sipFirst = defineCommand('sipFirst', {
  input: id,
  handler: (tx, { id }) => ({
    sips: tx.increment(bottles, id, 'sips', 1, {
      initial: { id, state: 'open', sips: 1000, notes: [] },
    }),
  }),
})

const smash = defineCommand('smash', {
  input: Type.Object({ id: Type.String(), again: Type.Boolean() }),
  handler: (tx, { id, again }) => {
    tx.delete(bottles, id)
    const left = tx.get(bottles, id)?.sips ?? null
    if (again) tx.put(bottles, { id, state: 'open', sips: 50, notes: [] })
    return { left }
  },
})

/** Carries over what one has to another. */
const pour = defineCommand('pour', {
  input: Type.Object({ from: Type.String(), to: Type.String() }),
  handler: (tx, { from, to }) => {
    const source = tx.get(bottles, from) ?? tx.reject('none', { of: from })
    const target = tx.get(bottles, to) ?? tx.reject('none', { of: to })
    if (from === to) tx.reject('same')
    tx.put(bottles, { ...source, sips: 0 })
    tx.put(bottles, { ...target, sips: target.sips + source.sips })
    return { sips: target.sips + source.sips }
  },
})

const weigh = defineCommand('weigh', {
  input: id,
  handler: (tx, { id }) => ({ sips: tx.get(bottles, id)?.sips ?? null }),
})

const look = defineQuery('look', {
  input: id,
  handler: (read, { id }) => read.get(bottles, id) ?? read.notFound(`There is no ${id}`),
})

const shelf = defineQuery('shelf', {
  input: Type.Object({ state: Type.Enum(['open', 'closed'], { type: 'string' }) }),
  handler: (read, { state }) => ({
    ids: read.range(bottles, 'byState', { equals: [state] }).map(({ id }) => id),
    count: read.count(bottles),
  }),
})

const ids = ['a', 'b', 'c', 'd']

/** Entries that leave memory and are needed again. */
export const cellar: Workload = {
  name: 'cellar',
  description: 'entries that leave memory, and come back when they are needed',
  space: defineSpace('cellar', {
    caches: [bottles],
    commands: [fill, replace, close, sip, sipFirst, smash, pour, weigh],
    queries: [look, shelf],
  }),
  setup: [command('fill', { id: 'a' }), command('fill', { id: 'b' })],
  next: (random) => {
    const id = pick(random, ids)
    const luck = random.below(100)
    if (luck < 12) return command('fill', { id })
    if (luck < 15) return command('replace', { id })
    if (luck < 40) return command('close', { id, state: pick(random, ['closed', 'broken']) })
    if (luck < 55)
      return command('sip', { id, ...(random.chance(0.3) ? { note: `n${random.below(9)}` } : {}) })
    if (luck < 59) return command('sipFirst', { id })
    if (luck < 65) return command('smash', { id, again: random.chance(0.4) })
    if (luck < 73) return command('pour', { from: id, to: pick(random, ids) })
    if (luck < 82) return command('weigh', { id })
    return luck < 94
      ? query('look', { id })
      : query('shelf', { state: pick(random, ['open', 'closed']) })
  },
}
