import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/*
 * The next version: a balance is called amount now, an account has a limit and may have a color, by
 * which it is found; slots are called places inside; painted accounts are counted.
 */

const id = Type.String({ minLength: 1, maxLength: 64 })

const accounts = defineCache('accounts', {
  schema: Type.Object({
    id,
    amount: Type.Integer(),
    deposits: Type.Integer(),
    limit: Type.Integer(),
    color: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byColor: ['color', 'amount'] },
  renamed: { balance: 'amount' },
  defaults: { limit: 1000 },
})

const slots = defineCache('slots', {
  schema: Type.Object({ id, place: Type.Integer(), owner: Type.String() }),
  key: 'id',
  indexes: { byOwner: ['owner', 'place'] },
  renamed: { number: 'place' },
})

const colors = defineCache('colors', {
  schema: Type.Object({ color: Type.String(), painted: Type.Integer() }),
  key: 'color',
})

const input = Type.Object({ id, balance: Type.Integer() })

const deposit = defineCommand('deposit', {
  input,
  result: input,
  handler: (tx, { id: key, balance: by }) => {
    const before = tx.get(accounts, key) ?? { id: key, amount: 0, deposits: 0, limit: 1000 }
    const amount = before.amount + by
    tx.put(accounts, { ...before, amount, deposits: before.deposits + 1 })
    return { id: key, balance: amount }
  },
})

const add = defineCommand('add', {
  input,
  handler: (tx, { id: key, balance: by }) => {
    const initial = { id: key, amount: 0, deposits: 0, limit: 1000 }
    tx.increment(accounts, key, 'deposits', 1, { initial })
    return { balance: tx.increment(accounts, key, 'amount', by) }
  },
})

const raise = defineCommand('raise', {
  input: Type.Object({ id }),
  handler: (tx, { id: key }) => {
    const initial = { id: key, amount: 0, deposits: 0, limit: 1000 }
    return { limit: tx.increment(accounts, key, 'limit', 1, { initial }) }
  },
})

const paint = defineCommand('paint', {
  input: Type.Object({ id, color: Type.String({ minLength: 1 }) }),
  handler: (tx, { id: key, color }) => {
    const before = tx.get(accounts, key) ?? { id: key, amount: 0, deposits: 0, limit: 1000 }
    tx.put(accounts, { ...before, color })
    tx.increment(colors, color, 'painted', 1, { initial: { color, painted: 0 } })
  },
})

const claim = defineCommand('claim', {
  input: Type.Object({ owner: Type.String({ minLength: 1 }) }),
  result: Type.Object({
    claimed: Type.Array(Type.Object({ id, number: Type.Integer(), owner: Type.String() })),
  }),
  handler: (tx, { owner }) => ({
    claimed: tx.take(slots, 'byOwner', { equals: [''], limit: 1 }, { owner }),
  }),
  answer: ({ claimed }) => ({
    claimed: claimed.map(({ id: key, place, owner }) => ({ id: key, number: place, owner })),
  }),
})

const look = defineQuery('look', {
  input: Type.Object({ id }),
  handler: (read, { id: key }) => {
    const found = read.get(accounts, key) ?? read.notFound('there is no such account')
    const { amount, ...account } = found
    return { account: { ...account, balance: amount } }
  },
})

const painted = defineQuery('painted', {
  input: Type.Object({ color: Type.String() }),
  handler: (read, { color }) => ({
    ids: read.range(accounts, 'byColor', { equals: [color] }).map((account) => account.id),
  }),
})

export default defineSpace('accounts', {
  caches: [accounts, slots, colors],
  commands: [deposit, add, raise, paint, claim],
  queries: [look, painted],
})
