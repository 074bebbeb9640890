import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

const account = Type.String()
const sum = Type.Integer()

const accounts = defineCache('accounts', {
  schema: Type.Object({ account, sum, note: Type.String() }),
  key: 'account',
  indexes: { bySum: ['sum'] },
  partitionBy: 'account',
})

const receipts = defineCache('receipts', {
  schema: Type.Object({ receipt: Type.String(), account, sum }),
  key: 'receipt',
  partitionBy: { idOf: 'receipt' },
})

/** What belongs to a branch: many entries under one partition key. */
const drawers = defineCache('drawers', {
  schema: Type.Object({ key: Type.String(), count: Type.Integer() }),
  key: 'key',
  partitionBy: { prefixOf: 'key', until: '/' },
})

const deposit = defineCommand('deposit', {
  input: Type.Object({ account, sum }),
  partitionBy: 'account',
  handler: (tx, { account, sum }) => {
    const receipt = tx.newId()
    const before = tx.get(accounts, account)?.sum ?? 0
    tx.put(accounts, { account, sum: before + sum, note: '' })
    tx.put(receipts, { receipt, account, sum })
    return { receipt, sum: before + sum }
  },
})

const equip = defineCommand('equip', {
  input: Type.Object({ branch: Type.String(), drawers: Type.Integer() }),
  partitionBy: 'branch',
  handler: (tx, { branch, drawers: count }) => {
    for (let at = 0; at < count; at++) tx.put(drawers, { key: `${branch}/${at}`, count: at })
  },
})

const transfer = defineCommand('transfer', {
  input: Type.Object({ from: account, to: account, sum }),
  parts: ({ from, to, sum }) => [
    { command: deposit, input: { account: from, sum: -sum } },
    { command: deposit, input: { account: to, sum } },
  ],
  answer: ([from, to]) => ({ from: from.sum, to: to.sum }),
})

const balance = defineQuery('balance', {
  input: Type.Object({ account }),
  partitionBy: 'account',
  handler: (read, { account }) => ({ sum: read.get(accounts, account)?.sum ?? 0 }),
})

const receipt = defineQuery('receipt', {
  input: Type.Object({ receipt: Type.String() }),
  partitionBy: { idOf: 'receipt' },
  handler: (read, { receipt }) => read.get(receipts, receipt) ?? read.notFound('no receipt'),
})

const totals = defineQuery('totals', {
  input: Type.Object({}),
  handler: (read) => ({
    sum: read.range(accounts, 'bySum', {}).reduce((total, { sum }) => total + sum, 0),
    accounts: read.count(accounts),
    receipts: read.count(receipts),
    drawers: read.count(drawers),
  }),
  everyPartition: {
    merge: (all) => ({
      sum: all.reduce((total, { sum }) => total + sum, 0),
      accounts: all.reduce((total, { accounts }) => total + accounts, 0),
      receipts: all.reduce((total, { receipts }) => total + receipts, 0),
      drawers: all.reduce((total, { drawers }) => total + drawers, 0),
    }),
  },
})

/** A space that can be given any number of partitions. */
export const createBank = (partitions: number) =>
  defineSpace('bank', {
    partitions,
    caches: [accounts, receipts, drawers],
    commands: [deposit, equip, transfer],
    queries: [balance, receipt, totals],
  })

export const bank = createBank(Number(process.env.PARTITIONS ?? 1))
