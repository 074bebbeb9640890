import type { Caller } from '@spacegrid/grid/doors/request/caller'
import { expect, test } from 'vitest'
import { FairShares } from './fair-shares.ts'

const caller = (name: string | undefined, address?: string): Caller => ({
  name,
  origin: { door: 'http', address, credential: undefined },
})

const [greedy, modest] = [caller('greedy'), caller('modest')]

function after(counts: readonly (readonly [Caller, number])[]): FairShares {
  const shares = new FairShares()
  for (const [who, count] of counts) ask(shares, who, count)
  shares.turn()
  return shares
}

function ask(shares: FairShares, who: Caller, count: number): void {
  for (let i = 0; i < count; i++) if (!shares.isGreedy(who)) shares.admitted(who)
}

test('who has had an equal share of the interval before is greedy, others are not', () => {
  const shares = after([
    [greedy, 90],
    [modest, 10],
    [caller('third'), 20],
  ])
  ask(shares, greedy, 39)
  expect(shares.isGreedy(greedy)).toBe(false)
  ask(shares, greedy, 1)
  expect(shares.isGreedy(greedy)).toBe(true)
  expect(shares.isGreedy(modest)).toBe(false)
})

test('a single caller is not greedy, nor is anybody before there was an interval', () => {
  const shares = after([[greedy, 1000]])
  ask(shares, greedy, 1000)
  expect(shares.isGreedy(greedy)).toBe(false)
})

test('callers without a name are told by their address, and not at all without one', () => {
  const [here, nowhere] = [caller(undefined, '192.0.2.1'), caller(undefined)]
  const shares = after([
    [here, 5],
    [modest, 5],
    [nowhere, 1000],
  ])
  ask(shares, here, 1000)
  ask(shares, nowhere, 1000)
  expect(shares.isGreedy(here)).toBe(true)
  expect(shares.isGreedy(nowhere)).toBe(false)
})

test('as many callers as there may be are counted, and those beyond are let in', () => {
  const shares = new FairShares()
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 10_000; i++) ask(shares, caller(`caller-${i}`), 1)
    if (round === 0) shares.turn()
  }
  ask(shares, caller('caller-7'), 100)
  ask(shares, caller('caller-9999'), 100)
  expect(shares.isGreedy(caller('caller-7'))).toBe(true)
  expect(shares.isGreedy(caller('caller-9999'))).toBe(false)
})

test('who asks and gets nothing wants a share as well', () => {
  const shares = new FairShares()
  shares.isGreedy(modest)
  ask(shares, greedy, 20)
  shares.turn()
  ask(shares, greedy, 20)
  expect(shares.isGreedy(greedy)).toBe(true)
  expect(shares.isGreedy(modest)).toBe(false)
})
