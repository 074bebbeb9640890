import type { Value } from '@spacegrid/grid/core/data-types'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { pick } from '../plan/settings.ts'

/*
 * A bank whose accounts are on all partitions, and lists beside it. Every command leaves its stamp
 * where it writes and tells the stamps that it has seen, so that what happened can be put into one
 * order (one-order.ts).
 */

const accounts = defineCache('accounts', {
  schema: Type.Object({ id: Type.String(), balance: Type.Integer(), stamp: Type.String() }),
  key: 'id',
  partitionBy: 'id',
})

const lists = defineCache('lists', {
  schema: Type.Object({ id: Type.String(), stamps: Type.Array(Type.String()) }),
  key: 'id',
  partitionBy: 'id',
})

/** What an account holds before anybody has written to it. */
export const opening = 20

const id = Type.String()
const stamp = Type.String()
const seen = Type.Union([Type.String(), Type.Null()])
const looked = Type.Object({ balance: Type.Integer(), saw: seen })

const withdraw = defineCommand('withdraw', {
  input: Type.Object({ id, amount: Type.Integer(), stamp }),
  result: looked,
  partitionBy: 'id',
  handler: (tx, { id, amount, stamp }) => {
    const { balance = opening, stamp: saw = null } = tx.get(accounts, id) ?? {}
    if (balance < amount) tx.reject('insufficient', { id, balance, saw })
    tx.put(accounts, { id, balance: balance - amount, stamp })
    return { balance: balance - amount, saw }
  },
})

const deposit = defineCommand('deposit', {
  input: Type.Object({ id, amount: Type.Integer(), stamp }),
  result: looked,
  partitionBy: 'id',
  handler: (tx, { id, amount, stamp }) => {
    const { balance = opening, stamp: saw = null } = tx.get(accounts, id) ?? {}
    tx.put(accounts, { id, balance: balance + amount, stamp })
    return { balance: balance + amount, saw }
  },
})

/** Reads nothing. */
const set = defineCommand('set', {
  input: Type.Object({ id, balance: Type.Integer(), stamp }),
  partitionBy: 'id',
  handler: (tx, account) => {
    tx.put(accounts, account)
    return {}
  },
})

/** Changes nothing; its answer must be true all the same. */
const look = defineCommand('look', {
  input: Type.Object({ id }),
  result: looked,
  partitionBy: 'id',
  handler: (tx, { id }) => {
    const { balance = opening, stamp = null } = tx.get(accounts, id) ?? {}
    return { balance, saw: stamp }
  },
})

/** An operation: never collides, except with what is held. */
const note = defineCommand('note', {
  input: Type.Object({ id, stamp }),
  partitionBy: 'id',
  handler: (tx, { id, stamp }) => ({
    length: tx.append(lists, id, 'stamps', [stamp], { initial: { id, stamps: [] } }),
  }),
})

const two = { from: id, to: id }

const transfer = defineCommand('transfer', {
  input: Type.Object({ ...two, amount: Type.Integer(), stamp }),
  parts: ({ from, to, amount, stamp }) => [
    { command: withdraw, input: { id: from, amount, stamp } },
    { command: deposit, input: { id: to, amount, stamp } },
  ],
})

/** Reads in one partition what it does not write, writes in the other. */
const guarded = defineCommand('guarded', {
  input: Type.Object({ ...two, amount: Type.Integer(), stamp }),
  parts: ({ from, to, amount, stamp }) => [
    { command: look, input: { id: from } },
    { command: deposit, input: { id: to, amount, stamp } },
  ],
})

const mark = defineCommand('mark', {
  input: Type.Object({ ...two, balance: Type.Integer(), stamp }),
  parts: ({ from, to, balance, stamp }) => [
    { command: set, input: { id: from, balance, stamp } },
    { command: set, input: { id: to, balance, stamp } },
  ],
})

const sum = defineCommand('sum', {
  input: Type.Object(two),
  parts: ({ from, to }) => [
    { command: look, input: { id: from } },
    { command: look, input: { id: to } },
  ],
})

const noteBoth = defineCommand('noteBoth', {
  input: Type.Object({ ...two, stamp }),
  parts: ({ from, to, stamp }) => [
    { command: note, input: { id: from, stamp } },
    { command: note, input: { id: to, stamp } },
  ],
})

const account = defineQuery('account', {
  input: Type.Object({ id }),
  result: looked,
  partitionBy: 'id',
  handler: (read, { id }) => {
    const { balance = opening, stamp = null } = read.get(accounts, id) ?? {}
    return { balance, saw: stamp }
  },
})

const counted = defineQuery('counted', {
  input: Type.Object({}),
  handler: (read) => ({ accounts: read.count(accounts) }),
  everyPartition: {
    merge: (counts) => ({ accounts: counts.reduce((all, { accounts }) => all + accounts, 0) }),
  },
})

export const makeAccounts = (partitions: number) =>
  defineSpace('accounts', {
    partitions,
    caches: [accounts, lists],
    commands: [withdraw, deposit, set, look, note, transfer, guarded, mark, sum, noteBoth],
    queries: [account, counted],
  })

export interface Asked {
  readonly name: string
  readonly input: Value
}

/** Enough for every partition to have some, few enough for them to be in each other's way. */
export const ids = Array.from({ length: 9 }, (_, at) => `a${at}`)

/** What a client asks for; `stamp` is its own. */
export function nextCommand(random: SeededRandom, stamp: string): Asked {
  const from = pick(random, ids)
  const to = pick(random, ids)
  const amount = 1 + random.below(12)
  const balance = 30 + random.below(20)
  return pick<Asked>(random, [
    { name: 'transfer', input: { from, to, amount, stamp } },
    { name: 'transfer', input: { from, to, amount: amount * 3, stamp } },
    { name: 'guarded', input: { from, to, amount, stamp } },
    { name: 'mark', input: { from, to, balance, stamp } },
    { name: 'sum', input: { from, to } },
    { name: 'noteBoth', input: { from, to, stamp } },
    { name: 'deposit', input: { id: from, amount, stamp } },
    { name: 'withdraw', input: { id: from, amount, stamp } },
    { name: 'set', input: { id: from, balance, stamp } },
    { name: 'look', input: { id: from } },
    { name: 'note', input: { id: from, stamp } },
  ])
}

interface Account {
  readonly balance: number
  readonly stamp: string | null
}

export interface Refusal {
  readonly part: number
  readonly command: string
  readonly reason: string
  readonly details: Value
}

export type Outcome = { readonly results: readonly unknown[] } | { readonly refusal: Refusal }

/** All accounts and lists at one moment, changed by one command after the other. */
export class PlainBank {
  accounts = new Map<string, Account>()
  lists = new Map<string, readonly string[]>()

  /** What a command does and says, alone. Refused, it changes nothing. */
  do(asked: Asked): Outcome {
    const before = [new Map(this.accounts), new Map(this.lists)] as const
    const results: unknown[] = []
    for (const [part, { name, input }] of partsOf(asked).entries()) {
      const done = this.#part(name, input)
      if ('reason' in done) {
        this.accounts = before[0]
        this.lists = before[1]
        return { refusal: { part, command: name, ...done } }
      }
      results.push(done.result)
    }
    return { results }
  }

  #part(
    name: string,
    input: Value,
  ): { readonly result: unknown } | { readonly reason: string; readonly details: Value } {
    const { id, amount, stamp } = input as { id: string; amount: number; stamp: string }
    const { balance, stamp: saw } = this.accounts.get(id) ?? { balance: opening, stamp: null }
    switch (name) {
      case 'withdraw':
      case 'deposit': {
        if (name === 'withdraw' && balance < amount)
          return { reason: 'insufficient', details: { id, balance, saw } }
        const left = name === 'withdraw' ? balance - amount : balance + amount
        this.accounts.set(id, { balance: left, stamp })
        return { result: { balance: left, saw } }
      }
      case 'set':
        this.accounts.set(id, { balance: input.balance as number, stamp })
        return { result: {} }
      case 'look':
        return { result: { balance, saw } }
      case 'note': {
        const stamps = [...(this.lists.get(id) ?? []), stamp]
        this.lists.set(id, stamps)
        return { result: { length: stamps.length } }
      }
      default:
        throw new Error(`there is no ${name}`)
    }
  }
}

/** The commands of one partition that a command consists of: itself, or its parts. */
export function partsOf({ name, input }: Asked): readonly Asked[] {
  const { from, to, ...rest } = input as { readonly from: string; readonly to: string }
  const at = (part: string, id: string, more: Value = rest) => ({
    name: part,
    input: { id, ...more },
  })
  switch (name) {
    case 'transfer':
      return [at('withdraw', from), at('deposit', to)]
    case 'guarded':
      return [at('look', from, {}), at('deposit', to)]
    case 'mark':
      return [at('set', from), at('set', to)]
    case 'sum':
      return [at('look', from), at('look', to)]
    case 'noteBoth':
      return [at('note', from), at('note', to)]
    default:
      return [{ name, input }]
  }
}

export const isMulti = ({ input }: Asked): boolean => 'from' in input

/** Places that a command writes, `accounts/a1`. */
export const placesWritten = (asked: Asked): string[] => [
  ...new Set(
    partsOf(asked).flatMap(({ name, input }) => {
      if (name === 'look') return []
      return [`${name === 'note' ? 'lists' : 'accounts'}/${input.id}`]
    }),
  ),
]

/** The stamps that somebody was told of, by place; within a command one's own are passed over. */
export function placesRead(
  asked: Asked,
  results: readonly unknown[],
): Map<string, string | undefined> {
  const reads = new Map<string, string | undefined>()
  for (const [part, { input }] of partsOf(asked).entries()) {
    const { saw } = (results[part] ?? {}) as { readonly saw?: string | null }
    const place = `accounts/${input.id}`
    if (saw === undefined || reads.has(place) || saw === asked.input.stamp) continue
    reads.set(place, saw ?? undefined)
  }
  return reads
}
