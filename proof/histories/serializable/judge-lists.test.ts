import { describe, expect, test } from 'vitest'
import type { ListStep, ListTransaction } from '../list-transaction.ts'
import { judgeLists } from './judge-lists.ts'

/** `a1` appends 1 to a; `a=1,2` reads a as [1, 2]; `a=` as empty; `a?` was never told. */
function stepOf(word: string): ListStep {
  const [, key = '', sign, values = ''] = /^([a-z])([=?]?)(.*)$/.exec(word) ?? []
  if (sign === '?') return { key, read: null }
  if (sign !== '=') return { key, append: Number(values) }
  return { key, read: values === '' ? [] : values.split(',').map(Number) }
}

type At = readonly [call: number, end?: number]

function transaction(words: string, [call, end]: At): ListTransaction {
  const steps = words.split(' ').map(stepOf)
  const ended = end === undefined ? ({ outcome: 'unknown' } as const) : { return: end }
  return { client: 1, steps, call, outcome: 'ok', ...ended }
}

/** All at the same time, so that only what they read tells of an order. */
const together = (...all: string[]): ListTransaction[] =>
  all.map((words) => transaction(words, [0, 100]))

/** One after the other. */
const inTurn = (...all: string[]): ListTransaction[] =>
  all.map((words, at) => transaction(words, [10 * at, 10 * at + 5]))

const failed = (words: string): ListTransaction => ({
  ...transaction(words, [0, 100]),
  outcome: 'fail',
})
const unknown = (words: string, call = 0): ListTransaction => transaction(words, [call])

const clean: [string, ListTransaction[]][] = [
  ['nothing', []],
  ['an empty list', inTurn('a=')],
  ['one after the other', inTurn('a1', 'a=1 b2', 'b=2 a=1 a3', 'a=1,3 b=2')],
  ['its own appends', inTurn('a1 a=1 a2 a=1,2', 'a=1,2')],
  ['read, then append', inTurn('a= a1', 'a=1 a2', 'a=1,2')],
  ['at the same time, in the order of what was read', together('a1 b=2', 'b2 a=', 'a=1 b=2')],
  ['what nobody has read', together('a1', 'a2', 'a3 b1', 'b2')],
  ['read while it is appended', [transaction('a1', [0, 9]), transaction('a=', [1, 2])]],
  ['a failed append that nobody reads', [failed('a1'), ...inTurn('a=', 'a2', 'a=2')]],
  ['an unknown append that did not happen', [unknown('a1'), ...inTurn('a=', 'a=')]],
  ['an unknown append that did', [unknown('a1'), ...inTurn('a=', 'a=1')]],
  ['an unknown append that happens late', [unknown('a1'), ...inTurn('a2', 'a=2', 'a=2,1')]],
  ['an unknown transaction, all of it', [unknown('a1 b2 c?'), ...inTurn('a= b=', 'a=1 b=2')]],
]

const planted: [anomaly: string, string, ListTransaction[]][] = [
  ['internal', 'its own append is missing', together('a1 a=')],
  ['internal', 'its own append is not the last', together('a1 a=1,2', 'a2')],
  ['internal', 'a list changes inside', together('a= a=1', 'a1')],
  ['duplicate-element', 'an append that took effect twice', inTurn('a1', 'a=1,1')],
  ['unwritten-element', 'an element from nowhere', inTurn('a1', 'a=7')],
  ['aborted-read', 'G1a', [failed('a1'), ...together('a=1')]],
  ['intermediate-read', 'G1b', together('a1 a2', 'a=1', 'a=1,2')],
  ['incompatible-order', 'two orders', together('a1', 'a2', 'a=1,2', 'a=2,1')],
  ['incompatible-order', 'an element is gone again', together('a1', 'a2', 'a=1,2', 'a=2')],
  ['lost-append', 'answered and not there', inTurn('a1', 'a=')],
  ['lost-append', 'the last one', inTurn('a1', 'a2', 'a=1')],
  ['G0', 'two lists in two orders', together('a1 b1', 'a2 b2', 'a=1,2', 'b=2,1')],
  ['G0', 'one between the appends of another', together('a1 a3', 'a2', 'a=1,2,3')],
  ['G1c', 'each reads of the other', together('a1 b=2', 'b2 a=1')],
  ['G1c', 'read of what comes after it', together('a1 b=2', 'a2 b2', 'a=1,2')],
  ['G-single', 'a lost update', together('a= a1', 'a= a2', 'a=1,2')],
  ['G-single', 'half of a transaction', together('a1 b1', 'a=1 b=')],
  ['G-single', 'half of an unknown one', [unknown('a1 b1'), ...together('a=1 b=', 'b=1')]],
  [
    'G-single',
    'half of an unknown one, the rest unseen',
    [unknown('a1 b1'), ...together('a=1 b=')],
  ],
  ['G2', 'write skew', together('a= b1', 'b= a1', 'a=1 b=1')],
  ['G2', 'write skew that nobody reads', together('a= b1', 'b= a1')],
  ['G2', 'two readers see two appends in two orders', together('a1', 'b1', 'a=1 b=', 'a= b=1')],
  ['G0-realtime', 'an append comes before an earlier one', inTurn('a1', 'a2', 'a=2,1')],
  ['G1c-realtime', 'read before it was appended', [...inTurn('a=1', 'a1'), ...together('a=1')]],
  ['G-single-realtime', 'a stale read', inTurn('a1', 'a=', 'a=1')],
  [
    'G-single-realtime',
    'half of an unknown one, in two reads',
    [unknown('a1 b1'), ...inTurn('a=1', 'b=')],
  ],
  [
    'G2-realtime',
    'two that read too early, of which one ended before the other began',
    [
      transaction('a= d=1', [0, 100]),
      transaction('a1', [0, 10]),
      transaction('d=', [20, 100]),
      transaction('d1', [0, 100]),
    ],
  ],
]

describe('clean', () => {
  test.each(clean)('%s', (_, history) => {
    expect(judgeLists(history)).toMatchObject({ verdict: 'strictly serializable', findings: [] })
  })
})

describe('planted', () => {
  test('a cycle is told step by step', () => {
    const { findings } = judgeLists(together('a= b1', 'b= a1'))
    expect(findings).toEqual([
      {
        anomaly: 'G2',
        transactions: [0, 1],
        because: ['T0 read a without 1, of T1', 'T1 read b without 1, of T0'],
      },
    ])
  })

  test('what is no history is refused', () => {
    expect(() => judgeLists(together('a1', 'a1'))).toThrow('1 is appended to a twice')
    expect(() => judgeLists([transaction('a?', [0, 1])])).toThrow('was not told of a')
    expect(() => judgeLists([transaction('a=', [1, 0])])).toThrow('called 1, ended 0')
  })

  test.each(planted)('%s: %s', (anomaly, _, history) => {
    const { verdict, findings } = judgeLists(history)
    expect(verdict).toBe('not strictly serializable')
    expect(findings.map((finding) => finding.anomaly)).toContain(anomaly)
  })
})
