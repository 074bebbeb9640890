import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { pick } from '../plan/settings.ts'
import { command, query, type Workload } from './workload.ts'

const names = defineCache('names', {
  schema: Type.Object({
    name: Type.String(),
    owner: Type.String(),
    generation: Type.Integer(),
    text: Type.Optional(Type.String()),
    until: Type.Optional(Type.Integer()),
  }),
  key: 'name',
  indexes: { byOwner: ['owner', 'name'] },
  expiry: 'until',
})

const graves = defineCache('graves', {
  schema: Type.Object({ name: Type.String(), count: Type.Integer() }),
  key: 'name',
})

const leases = defineCache('leases', {
  schema: Type.Object({ id: Type.String(), holder: Type.String(), until: Type.Integer() }),
  key: 'id',
  expiry: 'until',
  onExpire: (tx, { id, holder }) => {
    tx.delete(leases, id)
    tx.increment(graves, holder, 'count', 1, { initial: { name: holder, count: 0 } })
    tx.emit('LeaseExpired', { id })
  },
})

const register = defineCommand('register', {
  input: Type.Object({
    name: Type.String(),
    owner: Type.String(),
    text: Type.Optional(Type.String()),
    forMs: Type.Optional(Type.Integer()),
  }),
  handler: (tx, { name, owner, text, forMs }) => {
    const before = tx.get(names, name)
    if (before && before.owner !== owner) tx.reject('taken', { by: before.owner })
    const generation = (before?.generation ?? tx.get(graves, name)?.count ?? 0) + 1
    const until = forMs === undefined ? {} : { until: tx.now + forMs }
    tx.put(names, { name, owner, generation, ...(text === undefined ? {} : { text }), ...until })
    return { generation }
  },
})

/** Gone, and soon there again: whoever read it before must notice. */
const drop = defineCommand('drop', {
  input: Type.Object({ name: Type.String() }),
  handler: (tx, { name }) => {
    const { generation } = tx.get(names, name) ?? tx.reject('unknown', { name })
    tx.delete(names, name)
    tx.put(graves, { name, count: generation })
  },
})

const dropAll = defineCommand('dropAll', {
  input: Type.Object({ owner: Type.String() }),
  handler: (tx, { owner }) => {
    const own = tx.range(names, 'byOwner', { equals: [owner] })
    for (const { name } of own) tx.delete(names, name)
    return { dropped: own.map(({ name }) => name) }
  },
})

const fill = defineCommand('fill', {
  input: Type.Object({ prefix: Type.String(), count: Type.Integer() }),
  handler: (tx, { prefix, count }) => {
    for (let at = 0; at < count; at++)
      tx.put(names, { name: `${prefix}${at}`, owner: prefix, generation: count })
  },
})

const lease = defineCommand('lease', {
  input: Type.Object({ holder: Type.String(), forMs: Type.Integer() }),
  handler: (tx, { holder, forMs }) => {
    const id = tx.newId()
    tx.put(leases, { id, holder, until: tx.now + forMs })
    return { id }
  },
})

const whois = defineQuery('whois', {
  input: Type.Object({ name: Type.String() }),
  handler: (read, { name }) => read.get(names, name) ?? read.notFound(`Nobody has ${name}`),
})

const owned = defineQuery('owned', {
  input: Type.Object({ owner: Type.String() }),
  handler: (read, { owner }) => ({
    names: read.range(names, 'byOwner', { equals: [owner] }).map(({ name }) => name),
    leases: read.count(leases),
    graves: read.count(graves),
  }),
})

/** Names that come, go and expire; now and then a transaction larger than a record of the log. */
export const registry: Workload = {
  name: 'registry',
  description: 'deletes and re-creations, expiry, transactions in parts',
  space: defineSpace('registry', {
    caches: [names, graves, leases],
    commands: [register, drop, dropAll, fill, lease],
    queries: [whois, owned],
  }),
  setup: [command('fill', { prefix: 'n', count: 8 })],
  next: (random) => {
    const name = `n${random.below(8)}`
    const owner = pick(random, ['n', 'x', 'y'])
    const luck = random.below(100)
    if (luck < 35) {
      const text = random.chance(0.12) ? { text: 'long '.repeat(400) } : {}
      const forMs = random.chance(0.3) ? { forMs: 200 + random.below(2500) } : {}
      return command('register', { name, owner, ...text, ...forMs })
    }
    if (luck < 52) return command('drop', { name })
    if (luck < 58) return command('dropAll', { owner })
    if (luck < 66)
      return command('fill', { prefix: pick(random, ['n', 'm']), count: random.below(40) })
    if (luck < 78) return command('lease', { holder: owner, forMs: 100 + random.below(2500) })
    return luck < 90 ? query('owned', { owner }) : query('whois', { name })
  },
}
