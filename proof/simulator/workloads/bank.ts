import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { pick } from '../plan/settings.ts'
import { command, query, type Workload } from './workload.ts'

const accounts = defineCache('accounts', {
  schema: Type.Object({
    id: Type.String(),
    balance: Type.Integer(),
    branch: Type.String(),
    note: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byBranch: ['branch', 'balance'] },
})

const books = defineCache('books', {
  schema: Type.Object({ id: Type.String(), sum: Type.Integer(), accounts: Type.Integer() }),
  key: 'id',
})

const branches = ['north', 'south']
const opening = 100

const open = defineCommand('open', {
  input: Type.Object({ id: Type.String(), branch: Type.String() }),
  handler: (tx, { id, branch }) => {
    if (tx.get(accounts, id)) tx.reject('exists', { id })
    tx.put(accounts, { id, balance: opening, branch })
    tx.increment(books, 'opened', 'accounts', 1, { initial: { id: 'opened', sum: 0, accounts: 0 } })
    tx.emit('Opened', { id })
  },
})

/** Everything that is left goes to another account: money stays in the bank. */
const close = defineCommand('close', {
  input: Type.Object({ id: Type.String(), heir: Type.String() }),
  handler: (tx, { id, heir }) => {
    const account = tx.get(accounts, id) ?? tx.reject('unknown', { id })
    if (id === heir) tx.reject('same')
    tx.increment(accounts, heir, 'balance', account.balance, { otherwise: 'no_heir' })
    tx.delete(accounts, id)
  },
})

const transfer = defineCommand('transfer', {
  input: Type.Object({
    from: Type.String(),
    to: Type.String(),
    amount: Type.Integer(),
    note: Type.Optional(Type.String()),
  }),
  handler: (tx, { from, to, amount, note }) => {
    const source = tx.get(accounts, from) ?? tx.reject('unknown', { id: from })
    const target = tx.get(accounts, to) ?? tx.reject('unknown', { id: to })
    if (from === to) tx.reject('same')
    if (source.balance < amount) tx.reject('insufficient', { balance: source.balance })
    tx.put(accounts, { ...source, balance: source.balance - amount })
    tx.put(accounts, {
      ...target,
      balance: target.balance + amount,
      ...(note === undefined ? {} : { note }),
    })
    return { left: source.balance - amount }
  },
})

/** Without reading anything: both sides are operations. */
const move = defineCommand('move', {
  input: Type.Object({ from: Type.String(), to: Type.String(), amount: Type.Integer() }),
  handler: (tx, { from, to, amount }) => {
    if (from === to) tx.reject('same')
    const left = tx.increment(accounts, from, 'balance', -amount, { min: 0, otherwise: 'too_poor' })
    const reached = tx.increment(accounts, to, 'balance', amount, { otherwise: 'unknown' })
    return { left, reached }
  },
})

/**
 * Whoever writes down a sum has read every account: a transfer or an opening in between makes it
 * collide.
 */
const book = defineCommand('book', {
  input: Type.Object({ branch: Type.String() }),
  handler: (tx, { branch }) => {
    const all = tx.range(accounts, 'byBranch', { equals: [branch] })
    const sum = all.reduce((total, { balance }) => total + balance, 0)
    tx.put(books, { id: branch, sum, accounts: all.length })
    return { sum, accounts: all.length }
  },
})

/** Changes nothing: its answer must be true all the same. */
const audit = defineCommand('audit', {
  input: Type.Object({}),
  handler: (tx) => {
    const all = branches.flatMap((branch) => tx.range(accounts, 'byBranch', { equals: [branch] }))
    return { sum: all.reduce((total, { balance }) => total + balance, 0), accounts: all.length }
  },
})

const richest = defineQuery('richest', {
  input: Type.Object({ branch: Type.String(), limit: Type.Integer() }),
  handler: (read, { branch, limit }) => ({
    accounts: read.range(accounts, 'byBranch', { equals: [branch], reverse: true, limit }),
    count: read.count(accounts),
  }),
})

const total = defineQuery('total', {
  input: Type.Object({}),
  handler: (read) => ({
    sum: branches
      .flatMap((branch) => read.range(accounts, 'byBranch', { equals: [branch] }))
      .reduce((sum, { balance }) => sum + balance, 0),
    opened: read.get(books, 'opened')?.accounts ?? 0,
  }),
})

const ids = Array.from({ length: 7 }, (_, at) => `a${at}`)

/** Money is moved between accounts, and counted: none may appear or vanish. */
export const bank: Workload = {
  name: 'bank',
  description: 'transfers between accounts, sums over index ranges, accounts closed and opened',
  space: defineSpace('bank', {
    caches: [accounts, books],
    commands: [open, close, transfer, move, book, audit],
    queries: [richest, total],
  }),
  setup: ids.slice(0, 5).map((id, at) => command('open', { id, branch: branches[at % 2] })),
  next: (random) => {
    const id = () => pick(random, ids)
    const branch = pick(random, branches)
    const amount = 1 + random.below(60)
    const luck = random.below(100)
    if (luck < 30) {
      const note = random.chance(0.1) ? { note: 'long '.repeat(300) } : {}
      return command('transfer', { from: id(), to: id(), amount, ...note })
    }
    if (luck < 50) return command('move', { from: id(), to: id(), amount })
    if (luck < 60) return command('book', { branch })
    if (luck < 67) return command('audit')
    if (luck < 73) return command('open', { id: id(), branch })
    if (luck < 79) return command('close', { id: id(), heir: id() })
    if (luck < 90) return query('total')
    return query('richest', { branch, limit: 1 + random.below(4) })
  },
  invariants: (model) => {
    const all = [...model.entries('accounts').values()]
    const sum = all.reduce((so, { balance }) => so + (balance as number), 0)
    const opened = (model.entries('books').get('opened')?.accounts ?? 0) as number
    return [
      ...(sum === opened * opening ? [] : [`${opened} accounts were opened, but they hold ${sum}`]),
      ...all
        .filter(({ balance }) => (balance as number) < 0)
        .map(({ id, balance }) => `account ${id} holds ${balance}`),
    ]
  },
}
