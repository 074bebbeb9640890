import { expect, test } from 'vitest'
import { judgeTransfers, noFindings, type Transfer } from './judge-transfers.ts'

const opened = new Map([
  ['a', 10],
  ['b', 10],
])
const transfer: Transfer = { id: 't', from: 'a', to: 'b', amount: 3, fate: 'done' }
const done = {
  balances: new Map([
    ['a', 7],
    ['b', 13],
  ]),
  movements: new Map([
    ['a/t', { amount: -3, times: 1 }],
    ['b/t', { amount: 3, times: 1 }],
  ]),
}
const nothing = { balances: opened, movements: new Map() }
const judge = (fate: Transfer['fate'], stored: typeof done) =>
  judgeTransfers([{ ...transfer, fate }], opened, stored)

test('what was done and is there on both sides, or was refused and is not there, is well', () => {
  expect(judge('done', done)).toEqual(noFindings)
  expect(judge('refused', nothing)).toEqual(noFindings)
})

test('of what nobody knows both is well', () => {
  expect(judge('unknown', done)).toEqual(noFindings)
  expect(judge('unknown', nothing)).toEqual(noFindings)
})

test('what was done and is not there is lost', () => {
  expect(judge('done', nothing).lost).toHaveLength(1)
})

test('what is there on one side only is found, whatever was told', () => {
  const half = {
    balances: new Map([...opened, ['a', 7]]),
    movements: new Map([['a/t', { amount: -3, times: 1 }]]),
  }
  expect(judge('done', half).lost).toHaveLength(1)
  // The sum is another one, too.
  expect(judge('unknown', half).wrong).toHaveLength(2)
})

test('what was refused, or asked for by nobody, and is there is found', () => {
  expect(judge('refused', done).doubled).toHaveLength(1)
  expect(judgeTransfers([], opened, done).doubled).toHaveLength(2)
})

test('what was done twice is found by its trace, and by its balance where that is silent', () => {
  const movements = new Map([...done.movements, ['b/t', { amount: 3, times: 2 }]])
  expect(judge('done', { ...done, movements }).doubled).toHaveLength(1)
  const balances = new Map([...done.balances, ['b', 16]])
  expect(judge('done', { ...done, balances }).wrong).toEqual([
    'b has 16, its movements come to 13',
    'the sum was 20 and is 23',
  ])
})
