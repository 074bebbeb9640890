import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

/*
 * Accounts in several partitions, and transfers between them that leave a trace on both sides: done
 * twice, or on one side only, shows.
 */

const name = Type.String({ minLength: 1, maxLength: 64 })
const amount = Type.Integer()

const accounts = defineCache('accounts', {
  schema: Type.Object({ account: name, balance: amount }),
  key: 'account',
  indexes: { byBalance: ['balance'] },
  partitionBy: 'account',
})

/** What a transfer has done to one account. */
const movements = defineCache('movements', {
  schema: Type.Object({
    /** The account, `/`, the transfer. */
    id: Type.String(),
    amount,
    /** More than once is a fault of the grid. */
    times: Type.Integer(),
  }),
  key: 'id',
  partitionBy: { prefixOf: 'id', until: '/' },
})

const open = defineCommand('open', {
  input: Type.Object({ account: name, balance: amount }),
  partitionBy: 'account',
  handler: (tx, { account, balance }) => {
    tx.put(accounts, { account, balance })
  },
})

/** Takes from an account, or gives to it. */
const move = defineCommand('move', {
  input: Type.Object({ account: name, transfer: name, amount }),
  partitionBy: 'account',
  partOnly: true,
  handler: (tx, { account, transfer, amount: by }) => {
    const { balance } = tx.get(accounts, account) ?? tx.reject('no_account', { account })
    if (balance + by < 0) tx.reject('not_enough', { account, balance })
    const id = `${account}/${transfer}`
    const times = tx.get(movements, id)?.times ?? 0
    tx.put(accounts, { account, balance: balance + by })
    tx.put(movements, { id, amount: by, times: times + 1 })
    return { balance: balance + by }
  },
})

const transfer = defineCommand('transfer', {
  input: Type.Object({ transfer: name, from: name, to: name, amount }),
  parts: ({ transfer: id, from, to, amount: by }) => [
    { command: move, input: { account: from, transfer: id, amount: -by } },
    { command: move, input: { account: to, transfer: id, amount: by } },
  ],
  answer: ([from, to]) => ({ from: from.balance, to: to.balance }),
})

const totals = defineQuery('totals', {
  input: Type.Object({}),
  handler: (read) => ({
    balance: read.range(accounts, 'byBalance', {}).reduce((sum, { balance }) => sum + balance, 0),
    movements: read.count(movements),
  }),
  everyPartition: {
    merge: (all) => ({
      balance: all.reduce((sum, { balance }) => sum + balance, 0),
      movements: all.reduce((sum, { movements }) => sum + movements, 0),
    }),
  },
})

export const createTransfers = (partitions: number) =>
  defineSpace('transfers', {
    description: 'Accounts, and transfers between them that leave a trace on both sides.',
    caches: [accounts, movements],
    commands: [open, move, transfer],
    queries: [totals],
    partitions,
  })
