import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'

/** Accounts by their id, receipts by an id that names their account's partition. */
export const accounts = defineCache('accounts', {
  schema: Type.Object({
    id: Type.String(),
    sum: Type.Integer({ minimum: 0 }),
    until: Type.Optional(Type.Number()),
  }),
  key: 'id',
  expiry: 'until',
  partitionBy: 'id',
  onExpire(tx, account) {
    tx.delete(accounts, account.id)
    tx.put(receipts, { receipt: tx.newId(), account: account.id, sum: account.sum })
  },
})

export const receipts = defineCache('receipts', {
  schema: Type.Object({ receipt: Type.String(), account: Type.String(), sum: Type.Integer() }),
  key: 'receipt',
  indexes: { byAccount: ['account'] },
  partitionBy: { idOf: 'receipt' },
})

const id = Type.String()
const sum = Type.Integer()

export const open = defineCommand('open', {
  input: Type.Object({ id, sum, until: Type.Optional(Type.Number()) }),
  partitionBy: 'id',
  handler: (tx, account) => tx.put(accounts, account),
})

export const withdraw = defineCommand('withdraw', {
  input: Type.Object({ id, sum }),
  partitionBy: 'id',
  partOnly: true,
  handler(tx, { id, sum }) {
    const receipt = tx.newId()
    const left = tx.increment(accounts, id, 'sum', -sum, { otherwise: 'too_little' })
    tx.put(receipts, { receipt, account: id, sum: -sum })
    return { receipt, left }
  },
})

export const deposit = defineCommand('deposit', {
  input: Type.Object({ id, sum }),
  partitionBy: 'id',
  handler: (tx, { id, sum }) => tx.increment(accounts, id, 'sum', sum, { otherwise: 'unknown' }),
  answer: (now) => ({ now }),
})

export const transfer = defineCommand('transfer', {
  input: Type.Object({ from: id, to: id, sum }),
  parts: ({ from, to, sum }) => [
    { command: withdraw, input: { id: from, sum } },
    { command: deposit, input: { id: to, sum } },
  ],
  answer: ([{ left, receipt }, { now }]) => ({ left, now, receipt }),
})

/** Says nothing of what its own partition key is worth: what it is told to do may be elsewhere. */
export const meddle = defineCommand('meddle', {
  input: Type.Object({
    id,
    how: Type.Enum(['get', 'peek', 'put', 'delete', 'increment', 'take', 'range', 'move']),
    other: id,
  }),
  partitionBy: 'id',
  handler(tx, { how, other }) {
    const does = {
      get: () => tx.get(accounts, other),
      peek: () => tx.peek(accounts, other),
      put: () => tx.put(accounts, { id: other, sum: 1 }),
      delete: () => tx.delete(accounts, other),
      increment: () => tx.increment(accounts, other, 'sum', 1),
      range: () => tx.range(places, 'byPlace', { equals: [other] }),
      take: () => tx.take(places, 'byPlace', { equals: [other], limit: 1 }, { free: false }),
      move: () => tx.take(places, 'byFree', { equals: [true], limit: 1 }, { place: other }),
    }
    does[how]()
  },
})

/** Their key says nothing of where they are. */
export const places = defineCache('places', {
  schema: Type.Object({ key: id, place: id, free: Type.Boolean() }),
  key: 'key',
  indexes: { byPlace: ['place'], byFree: ['free'] },
  partitionBy: 'place',
})

export const balance = defineQuery('balance', {
  input: Type.Object({ id }),
  partitionBy: 'id',
  handler: (read, { id }) => read.get(accounts, id)?.sum ?? read.notFound('no account'),
})

export const total = defineQuery('total', {
  input: Type.Object({}),
  result: Type.Object({ accounts: Type.Integer() }),
  handler: (read) => read.count(accounts),
  everyPartition: {
    merge: (counts) => ({ accounts: counts.reduce((one, other) => one + other, 0) }),
  },
})

export const bank = (partitions: number, more: readonly AnyCommand[] = []) =>
  defineSpace('bank', {
    partitions,
    caches: [accounts, receipts, places],
    commands: [open, withdraw, deposit, transfer, meddle, ...more],
    queries: [balance, total],
  })

/** Names of accounts that belong to a partition. */
export function accountsIn(partition: number, partitions: number, count: number): string[] {
  const names: string[] = []
  for (let n = 0; names.length < count; n++) {
    const name = `account-${n}`
    if (partitionOfHash(partitionHash([name]), partitions) === partition) names.push(name)
  }
  return names
}
