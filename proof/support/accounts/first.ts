import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/*
 * The first version of an application that is upgraded while it runs: accounts, and numbered slots
 * that are claimed.
 */

const id = Type.String({ minLength: 1, maxLength: 64 })

export const accounts = defineCache('accounts', {
  schema: Type.Object({ id, balance: Type.Integer(), deposits: Type.Integer() }),
  key: 'id',
})

export const slots = defineCache('slots', {
  schema: Type.Object({ id, number: Type.Integer(), owner: Type.String() }),
  key: 'id',
  indexes: { byOwner: ['owner', 'number'] },
})

const account = Type.Object({ id, balance: Type.Integer() })

const deposit = defineCommand('deposit', {
  input: account,
  result: account,
  handler: (tx, { id: key, balance: by }) => {
    const before = tx.get(accounts, key) ?? { id: key, balance: 0, deposits: 0 }
    const balance = before.balance + by
    tx.put(accounts, { ...before, balance, deposits: before.deposits + 1 })
    return { id: key, balance }
  },
})

const add = defineCommand('add', {
  input: account,
  handler: (tx, { id: key, balance: by }) => {
    tx.increment(accounts, key, 'deposits', 1, { initial: { id: key, balance: 0, deposits: 0 } })
    return { balance: tx.increment(accounts, key, 'balance', by) }
  },
})

const open = defineCommand('open', {
  input: Type.Object({ from: Type.Integer(), count: Type.Integer({ maximum: 1000 }) }),
  handler: (tx, { from, count }) => {
    for (let number = from; number < from + count; number++)
      tx.put(slots, { id: `s${number}`, number, owner: '' })
  },
})

const claim = defineCommand('claim', {
  input: Type.Object({ owner: Type.String({ minLength: 1 }) }),
  result: Type.Object({ claimed: Type.Array(slots.schema) }),
  handler: (tx, { owner }) => ({
    claimed: tx.take(slots, 'byOwner', { equals: [''], limit: 1 }, { owner }),
  }),
})

const look = defineQuery('look', {
  input: Type.Object({ id }),
  result: Type.Object({ account: accounts.schema }),
  handler: (read, input) => ({
    account: read.get(accounts, input.id) ?? read.notFound('there is no such account'),
  }),
})

export default defineSpace('accounts', {
  caches: [accounts, slots],
  commands: [deposit, add, open, claim],
  queries: [look],
})
