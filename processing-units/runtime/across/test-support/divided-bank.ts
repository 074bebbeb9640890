import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'

/** A bank whose accounts are in several partitions; transfers go across them. */
export const accounts = defineCache('accounts', {
  schema: Type.Object({ id: Type.String(), balance: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
})

const amount = { id: Type.String(), amount: Type.Integer({ minimum: 0 }) }

export const open = defineCommand('open', {
  input: Type.Object(amount),
  partitionBy: 'id',
  handler: (tx, { id, amount: balance }) => {
    tx.put(accounts, { id, balance })
  },
})

export const deposit = defineCommand('deposit', {
  input: Type.Object(amount),
  partitionBy: 'id',
  handler: (tx, { id, amount: by }) => ({
    balance: tx.increment(accounts, id, 'balance', by, { otherwise: 'no_account' }),
  }),
})

export const withdraw = defineCommand('withdraw', {
  input: Type.Object(amount),
  partitionBy: 'id',
  partOnly: true,
  handler: (tx, { id, amount: by }) => {
    const account = tx.get(accounts, id)
    if (!account) return tx.reject('no_account', { id })
    if (account.balance < by) tx.reject('not_enough', { id, balance: account.balance })
    tx.put(accounts, { id, balance: account.balance - by })
    return { balance: account.balance - by }
  },
})

export const balanceOf = defineCommand('balanceOf', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  partOnly: true,
  handler: (tx, { id }) => ({ balance: tx.get(accounts, id)?.balance ?? 0 }),
})

export const transfer = defineCommand('transfer', {
  input: Type.Object({ from: Type.String(), to: Type.String(), amount: Type.Integer() }),
  parts: ({ from, to, amount: by }) => [
    { command: withdraw, input: { id: from, amount: by } },
    { command: deposit, input: { id: to, amount: by } },
  ],
})

export const sum = defineCommand('sum', {
  input: Type.Object({ ids: Type.Array(Type.String(), { minItems: 1 }) }),
  parts: ({ ids }) => ids.map((id) => ({ command: balanceOf, input: { id } })),
  answer: (balances) => ({
    total: (balances as readonly { readonly balance: number }[]).reduce(
      (all, { balance }) => all + balance,
      0,
    ),
  }),
})

export const balance = defineQuery('balance', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (read, { id }) => ({ balance: read.get(accounts, id)?.balance ?? null }),
})

export const bank = defineSpace('bank', {
  partitions: 4,
  caches: [accounts],
  commands: [open, deposit, withdraw, balanceOf, transfer, sum],
  queries: [balance],
})
