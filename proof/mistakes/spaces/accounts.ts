import type { Reader } from 'spacegrid'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { defineSimulation } from 'spacegrid/testing'
import { type Mistake, mistake } from '../mistake.ts'

const accounts = defineCache('accounts', {
  schema: Type.Object({
    id: Type.String(),
    balance: Type.Number(),
    owner: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { all: ['id'] },
})
const ledger = defineCache('ledger', {
  schema: Type.Object({
    id: Type.String(),
    account: Type.String(),
    amount: Type.Number(),
    refunded: Type.Boolean(),
  }),
  key: 'id',
  indexes: { byAccount: ['account'] },
})

const account = Type.Object({ id: Type.String(), amount: Type.Integer({ minimum: 1, maximum: 5 }) })
const sumOf = (read: Reader, id: string) =>
  read.range(ledger, 'byAccount', { equals: [id] }).reduce((sum, { amount }) => sum + amount, 0)

/** Every account holds what its ledger says. */
const balanced = (read: Reader): true | string => {
  for (const { id, balance } of read.range(accounts, 'all'))
    if (balance !== sumOf(read, id))
      return `${id} holds ${balance}, the ledger says ${sumOf(read, id)}`
  return true
}

const deposit = (isWrong: boolean) =>
  defineCommand('deposit', {
    input: account,
    handler: (tx, { id, amount }) => {
      const { balance } = (isWrong ? tx.peek(accounts, id) : tx.get(accounts, id)) ?? { balance: 0 }
      tx.put(accounts, { id, balance: balance + amount })
      tx.put(ledger, { id: tx.newId(), account: id, amount, refunded: false })
      return { balance: balance + amount }
    },
  })

const transfer = (name: string, amount: ReturnType<typeof Type.Integer>, isSelfWrong: boolean) =>
  defineCommand(name, {
    input: Type.Object({ from: Type.String(), to: Type.String(), amount }),
    handler: (tx, { from, to, amount }) => {
      const source = tx.get(accounts, from) ?? tx.reject('unknown')
      const target = tx.get(accounts, to) ?? tx.reject('unknown')
      if (source.balance < amount) tx.reject('not_enough')
      if (!isSelfWrong && from === to) tx.reject('same')
      tx.put(accounts, { ...source, balance: source.balance - amount })
      tx.put(accounts, { ...target, balance: target.balance + amount })
    },
  })

const open = defineCommand('open', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    if (tx.get(accounts, id)) tx.reject('exists')
    tx.put(accounts, { id, balance: 10 })
  },
})
const close = defineCommand('look', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => ({ balance: tx.get(accounts, id)?.balance ?? null }),
})
const noMoneyMade = (read: Reader): true | string => {
  const all = read.range(accounts, 'all')
  const sum = all.reduce((total, { balance }) => total + balance, 0)
  return sum === 10 * all.length || `${all.length} accounts hold ${sum}`
}
const noDebt = (read: Reader): true | string => {
  const poor = read.range(accounts, 'all').find(({ balance }) => balance < 0)
  return poor === undefined || `${poor.id} owes ${-poor.balance}`
}

const pay = defineCommand('pay', {
  input: account,
  handler: (tx, { id, amount }) => {
    const payment = tx.newId()
    tx.put(ledger, { id: payment, account: id, amount, refunded: false })
    tx.increment(accounts, id, 'balance', amount, { initial: { id, balance: 0 } })
    return { payment }
  },
})
const refund = (isWrong: boolean) =>
  defineCommand('refund', {
    input: Type.Object({ payment: Type.String() }),
    handler: (tx, { payment }) => {
      const paid = tx.get(ledger, payment) ?? tx.reject('unknown')
      if (!isWrong) {
        if (paid.refunded) tx.reject('refunded')
        tx.put(ledger, { ...paid, refunded: true })
      }
      tx.increment(accounts, paid.account, 'balance', -paid.amount)
    },
  })

const rename = (isWrong: boolean) =>
  defineCommand('rename', {
    input: Type.Object({ id: Type.String(), owner: Type.String() }),
    handler: (tx, { id, owner }) => {
      const present = tx.get(accounts, id) ?? tx.reject('unknown')
      tx.put(accounts, isWrong ? { id, balance: present.balance } : { ...present, owner })
    },
  })
const openFor = defineCommand('openFor', {
  input: Type.Object({ id: Type.String(), owner: Type.String() }),
  handler: (tx, { id, owner }) => {
    if (tx.get(accounts, id)) tx.reject('exists')
    tx.put(accounts, { id, balance: 0, owner })
  },
})

const addPrice = (isWrong: boolean) =>
  defineCommand('addPrice', {
    input: Type.Object({ id: Type.String(), tenths: Type.Integer({ minimum: 1, maximum: 9 }) }),
    handler: (tx, { id, tenths }) => {
      const { balance } = tx.get(accounts, id) ?? { balance: 0 }
      tx.put(accounts, { id, balance: isWrong ? balance + tenths / 10 : balance + tenths })
      const amount = isWrong ? tenths / 10 : tenths
      tx.put(ledger, { id: tx.newId(), account: id, amount, refunded: false })
    },
  })
const wholeTenths = (read: Reader): true | string => {
  for (const { id, balance } of read.range(accounts, 'all'))
    if (Math.round(balance * 10) / 10 !== balance) return `${id} holds ${balance}`
  return true
}

const positive = Type.Integer({ minimum: 1, maximum: 9 })

export const accountMistakes: readonly Mistake[] = [
  mistake(
    'peeked-balance',
    'a balance is peeked at, and put with more',
    ['lost update', 'invariant'],
    (isWrong) =>
      defineSimulation(
        defineSpace('peekedBalance', { caches: [accounts, ledger], commands: [deposit(isWrong)] }),
        { invariants: { balanced } },
      ),
  ),
  mistake('own-account', 'money sent to oneself is made', ['invariant'], (isWrong) =>
    defineSimulation(
      defineSpace('ownAccount', {
        caches: [accounts],
        commands: [open, transfer('send', positive, isWrong)],
      }),
      { invariants: { noMoneyMade } },
    ),
  ),
  mistake(
    'negative-amount',
    'a negative amount takes from the receiver',
    ['invariant'],
    (isWrong) =>
      defineSimulation(
        defineSpace('negativeAmount', {
          caches: [accounts],
          commands: [open, close, transfer('send', isWrong ? Type.Integer() : positive, false)],
        }),
        { invariants: { noDebt } },
      ),
  ),
  mistake(
    'refunded-twice',
    'a refund that is asked for twice is paid twice',
    ['invariant'],
    (isWrong) =>
      defineSimulation(
        defineSpace('refundedTwice', {
          caches: [accounts, ledger],
          commands: [pay, refund(isWrong)],
        }),
        { invariants: { noDebt } },
      ),
  ),
  mistake(
    'forgotten-field',
    'an entry is put without one of its fields',
    ['invariant'],
    (isWrong) =>
      defineSimulation(
        defineSpace('forgottenField', { caches: [accounts], commands: [openFor, rename(isWrong)] }),
        {
          invariants: {
            owned: (read) =>
              read.range(accounts, 'all').every(({ owner }) => owner !== undefined) ||
              'an account has no owner',
          },
        },
      ),
  ),
  mistake('floating-sum', 'prices are added up as fractions', ['invariant'], (isWrong) =>
    defineSimulation(
      defineSpace('floatingSum', { caches: [accounts, ledger], commands: [addPrice(isWrong)] }),
      { invariants: { wholeTenths } },
    ),
  ),
]
