import { expect, it } from 'vitest'
import { interleave } from './interleave.ts'

it('takes everybody in turn, each round beginning with another one', async () => {
  const order: string[] = []
  const contender = (name: string) => ({ name, sample: async () => order.push(name) })
  const samples = await interleave(['a', 'b', 'c'].map(contender), 3)
  expect(order.join(' ')).toBe('a b c b c a c a b')
  expect([...samples].map(([name, turns]) => [name, turns])).toEqual([
    ['a', [1, 6, 8]],
    ['b', [2, 4, 9]],
    ['c', [3, 5, 7]],
  ])
})
