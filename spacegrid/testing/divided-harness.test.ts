import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  mergeOrdered,
  Rejection,
  Type,
} from 'spacegrid'
import { expect, test } from 'vitest'
import { SpaceHarness } from './index.ts'

const accounts = defineCache('accounts', {
  schema: Type.Object({
    id: Type.String(),
    sum: Type.Integer(),
    until: Type.Optional(Type.Number()),
  }),
  key: 'id',
  indexes: { bySum: ['sum'] },
  expiry: 'until',
  partitionBy: 'id',
})
const notes = defineCache('notes', {
  schema: Type.Object({ note: Type.String(), account: Type.String() }),
  key: 'note',
  partitionBy: { idOf: 'note' },
})
const id = Type.String()
const sum = Type.Integer()

const open = defineCommand('open', {
  input: Type.Object({ id, sum, until: Type.Optional(Type.Number()) }),
  partitionBy: 'id',
  handler: (tx, account) => tx.put(accounts, account),
})
const write = defineCommand('write', {
  input: Type.Object({ account: id }),
  partitionBy: 'account',
  handler(tx, { account }) {
    const note = tx.newId()
    tx.put(notes, { note, account })
    return note
  },
})
const giveUp = defineCommand('giveUp', {
  input: Type.Object({ id, sum }),
  partitionBy: 'id',
  partOnly: true,
  handler(tx, { id, sum }) {
    const account = tx.get(accounts, id) ?? tx.reject('unknown', { id })
    if (account.sum < sum) tx.reject('too_little', { id })
    tx.put(accounts, { ...account, sum: account.sum - sum })
    tx.emit('GivenUp', { id })
    return { left: account.sum - sum }
  },
})
const receive = defineCommand('receive', {
  input: Type.Object({ id, sum }),
  partitionBy: 'id',
  handler: (tx, { id, sum }) => ({
    now: tx.increment(accounts, id, 'sum', sum, { otherwise: 'unknown' }),
  }),
})
const transfer = defineCommand('transfer', {
  input: Type.Object({ from: id, to: id, sum }),
  parts: ({ from, to, sum }) => [
    { command: giveUp, input: { id: from, sum } },
    { command: receive, input: { id: to, sum } },
  ],
  answer: ([{ left }, { now }]) => ({ left, now }),
})
const total = defineProjection('total', {
  of: accounts,
  values: ({ sum }) => ({ sum: sum('sum') }),
})
const byId = defineQuery('byId', {
  input: Type.Object({ id }),
  partitionBy: 'id',
  handler: (read, { id }) => read.get(accounts, id) ?? read.notFound('no account'),
})
const noteOf = defineQuery('noteOf', {
  input: Type.Object({ note: id }),
  partitionBy: { idOf: 'note' },
  handler: (read, { note }) => read.get(notes, note)?.account ?? null,
})
const sumOfAll = defineQuery('sumOfAll', {
  input: Type.Object({}),
  result: Type.Integer(),
  handler: (read) => read.get(total, 'all')?.sum ?? 0,
  everyPartition: { merge: (sums) => sums.reduce((one, other) => one + other, 0) },
})
const richest = mergeOrdered({ by: ['sum'], reverse: true, limit: 3, list: 'accounts' })
const byWealth = defineQuery('byWealth', {
  input: Type.Object({ cursor: Type.Optional(Type.String()) }),
  handler(read, input) {
    const { from, limit } = richest.page(input)
    return read.range(accounts, 'bySum', { to: Number(from ?? 1e9), reverse: true, limit })
  },
  everyPartition: { merge: richest },
})

const bank = (partitions: number) =>
  defineSpace('bank', {
    partitions,
    caches: [accounts, notes],
    commands: [open, write, giveUp, receive, transfer],
    queries: [byId, noteOf, sumOfAll, byWealth],
    projections: [total],
  })

const names = Array.from({ length: 12 }, (_, n) => `account-${n}`)

function filled(partitions: number) {
  const grid = new SpaceHarness(bank(partitions))
  for (const [n, id] of names.entries()) grid.execute('open', { id, sum: 10 + (n % 5) })
  return grid
}

const rejection = (run: () => unknown) => {
  try {
    return run()
  } catch (error) {
    if (error instanceof Rejection) return error.reason
    throw error
  }
}

test.each([1, 4, 64])('a space of %d partitions is tried alike', (partitions) => {
  const grid = filled(partitions)
  for (const [n, id] of names.entries())
    expect(grid.query('byId', { id })).toEqual({ id, sum: 10 + (n % 5) })
  expect(grid.entries(accounts)).toHaveLength(12)
  expect(grid.read.count(accounts)).toBe(12)
  expect(grid.read.get(accounts, 'account-3')).toEqual({ id: 'account-3', sum: 13 })
  expect(grid.read.range(accounts, 'bySum', { limit: 4 }).map(({ sum }) => sum)).toEqual([
    10, 10, 10, 11,
  ])
  const before = grid.query('sumOfAll', {})
  for (const to of names)
    for (const from of names) if (from !== to) grid.execute('transfer', { from, to, sum: 1 })
  expect(grid.query('sumOfAll', {})).toBe(before)
  expect(
    grid
      .entries(accounts)
      .map(({ sum }) => sum)
      .sort(),
  ).toEqual(names.map((_, n) => 10 + (n % 5)).sort())
  expect(grid.events).toHaveLength(12 * 11)
  expect(grid.faults).toEqual([])
})

test.each([1, 4])('all parts of a command apply or none does, with %d partitions', (partitions) => {
  const grid = filled(partitions)
  const first = grid.execute('transfer', { from: 'account-0', to: 'account-1', sum: 2 })
  expect(first).toEqual({ left: 8, now: 13 })
  const events = grid.events.length
  const transfer = (from: string, to: string, sum: number) =>
    rejection(() => grid.execute('transfer', { from, to, sum }))
  for (const to of names.slice(1)) expect(transfer('account-0', to, 9)).toBe('too_little')
  for (const from of names) expect(transfer(from, 'nobody', 1)).toBe('unknown')
  expect(grid.query('sumOfAll', {})).toBe(141)
  expect(grid.events).toHaveLength(events)
})

test('units that meet see what the others have melded', () => {
  const grid = filled(4)
  const transfer = { from: 'account-0', to: 'account-1', sum: 10 }
  const first = grid.unit('one').start('transfer', transfer)
  const second = grid.unit('two').start('transfer', transfer)
  expect(grid.unit('one').pendingCount).toBe(1)
  grid.settle()
  expect(first.result()).toEqual({ left: 0, now: 21 })
  expect(rejection(() => second.result())).toBe('too_little')
})

test.each([1, 4, 64])('pages go on where they ended, with %d partitions', (partitions) => {
  const grid = filled(partitions)
  const seen: number[] = []
  let cursor: string | undefined
  do {
    const page = grid.query('byWealth', cursor === undefined ? {} : { cursor })
    seen.push(...page.accounts.map(({ sum }) => sum))
    cursor = page.next
  } while (cursor !== undefined)
  expect(seen).toEqual([14, 14, 13, 13, 12, 12, 11, 11, 11, 10, 10, 10])
  expect(() => grid.query('byWealth', { cursor: 'x' })).toThrow('cursor is none that')
})

test('ids name their partition', () => {
  const grid = filled(64)
  for (const account of names) {
    const note = grid.execute('write', { account })
    expect(grid.query('noteOf', { note })).toBe(account)
  }
  expect(() => grid.query('noteOf', { note: 'x' })).toThrow('note is no id')
})

test('entries expire in every partition, each at its time', () => {
  const grid = filled(4)
  for (const [n, id] of names.entries()) grid.execute('open', { id, sum: 1, until: grid.now + n })
  grid.advance(5)
  expect(grid.entries(accounts)).toHaveLength(6)
  grid.advance(6)
  expect(grid.entries(accounts)).toHaveLength(0)
})

test('what is only a part is not called', () => {
  const grid = filled(4) as SpaceHarness
  expect(() => grid.execute('giveUp', { id: 'account-0', sum: 1 })).toThrow(
    'giveUp is only a part of other commands',
  )
})
