import type { IndexRange } from '../../core/data-types.ts'
import type { Step, TransactionRecord } from '../../core/steps.ts'
import { digestPairs } from '../../core/version.ts'
import { collect, type View } from '../../core/view.ts'
import { accounts, increment, put, take } from './partition-log.ts'

/** What a part does where it runs: with reads as they were, and steps. */
export interface Part {
  readonly at: number
  readonly run: (view: View) => Pick<TransactionRecord, 'reads' | 'ranges' | 'steps'> | 'refused'
}

export interface Command {
  readonly number: number
  readonly name: string
  readonly parts: readonly Part[]
  /** What it adds to the money there is. */
  readonly adds: number
  readonly startedAt: number
  answeredAt: number
}

/** A record on its way: it lands now, later, or never, and then `lost` tells its sender. */
export interface Sent {
  readonly at: number
  readonly origin: number
  readonly command: Command
  readonly attempt: string
  readonly record: TransactionRecord
  lost: boolean
}

export const partitionCount = 3
export const moneyKeys = ['m0', 'm1']
export const otherKeys = ['s0', 's1']
/** Claimed one by one; the last group has none at first. */
export const seatKeys = ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7']

const reading = (view: View, key: string) => ({
  cache: accounts,
  key,
  version: view.find(accounts, key)?.version ?? 0,
})

const readingRange = (view: View, range: IndexRange) => ({
  ...{ cache: accounts, index: 0, range },
  digest: digestPairs(collect(view, accounts, 0, range)),
})

const balanceOf = (view: View, key: string) =>
  (view.find(accounts, key)?.value.balance as number | undefined) ?? 20

const nothing = { reads: [], ranges: [], steps: [] as Step[] }

/** What somebody asks for, in one partition or in two. */
export function randomCommand(
  pick: (n: number) => number,
  number: number,
  startedAt: number,
): Command {
  const first = pick(partitionCount)
  const second = (first + 1 + pick(partitionCount - 1)) % partitionCount
  const [from, to] = [moneyKeys, moneyKeys].map((keys) => keys[pick(2)] as string)
  const [one, other] = [otherKeys, otherKeys].map((keys) => keys[pick(2)] as string)
  const seats = { equals: ['seats'] }
  const amount = 1 + pick(3)
  const kinds: Record<string, readonly [adds: number, ...parts: Part[]]> = {
    transfer: [
      0,
      {
        at: first,
        run: (view) =>
          balanceOf(view, from as string) < amount
            ? 'refused'
            : {
                ...nothing,
                reads: [reading(view, from as string)],
                steps: [put(from as string, balanceOf(view, from as string) - amount, 'm')],
              },
      },
      { at: second, run: () => ({ ...nothing, steps: [increment(to as string, amount)] }) },
    ],
    operations: [
      0,
      { at: first, run: () => ({ ...nothing, steps: [increment(from as string, -amount, 0)] }) },
      { at: second, run: () => ({ ...nothing, steps: [increment(to as string, amount)] }) },
    ],
    guarded: [
      0,
      { at: first, run: (view) => ({ ...nothing, reads: [reading(view, one as string)] }) },
      {
        at: second,
        run: (view) => ({
          ...nothing,
          reads: [reading(view, other as string)],
          steps: [put(other as string, balanceOf(view, other as string) + 1, 's')],
        }),
      },
    ],
    mark: [
      0,
      { at: first, run: () => ({ ...nothing, steps: [put(one as string, 50 + amount, 's')] }) },
      { at: second, run: () => ({ ...nothing, steps: [put(other as string, 50, 's')] }) },
    ],
    sum: [
      0,
      ...[first, second].map((at) => ({
        at,
        run: (view: View) => ({ ...nothing, reads: otherKeys.map((key) => reading(view, key)) }),
      })),
    ],
    book: [
      0,
      { at: first, run: () => ({ ...nothing, steps: [take(1, 0, 'seats')] }) },
      { at: second, run: () => ({ ...nothing, steps: [put(other as string, 7, 's')] }) },
    ],
    count: [
      0,
      { at: first, run: (view) => ({ ...nothing, ranges: [readingRange(view, seats)] }) },
      {
        at: second,
        run: (view) => ({
          ...nothing,
          ranges: [readingRange(view, { ...seats, limit: 1 })],
          steps: [put(one as string, 9, 's')],
        }),
      },
    ],
    release: [
      0,
      { at: first, run: () => ({ ...nothing, steps: [put(`t${amount}`, amount, 'seats')] }) },
      { at: second, run: (view) => ({ ...nothing, reads: [reading(view, one as string)] }) },
    ],
    deposit: [
      amount,
      { at: first, run: () => ({ ...nothing, steps: [increment(from as string, amount)] }) },
    ],
    set: [0, { at: first, run: () => ({ ...nothing, steps: [put(one as string, 30, 's')] }) }],
    claim: [0, { at: first, run: () => ({ ...nothing, steps: [take(1, 0, 'seats')] }) }],
    free: [0, { at: first, run: () => ({ ...nothing, steps: [put('t0', 0, 'seats')] }) }],
    look: [
      0,
      {
        at: first,
        run: (view) => ({ ...nothing, reads: otherKeys.map((key) => reading(view, key)) }),
      },
    ],
    list: [0, { at: first, run: (view) => ({ ...nothing, ranges: [readingRange(view, seats)] }) }],
  }
  const names = Object.keys(kinds)
  const name = names[pick(names.length)] as string
  const [adds, ...parts] = kinds[name] as [number, ...Part[]]
  return {
    number,
    name,
    parts,
    adds,
    startedAt,
    answeredAt: Number.POSITIVE_INFINITY,
  }
}
