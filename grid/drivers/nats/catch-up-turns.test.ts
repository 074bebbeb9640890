import { expect, test } from 'vitest'
import { CatchUpTurns } from './catch-up-turns.ts'

test('one has the turn at a time, in the order in which they came', async () => {
  const turns = new CatchUpTurns()
  const had: number[] = []
  const ends: (() => void)[] = []
  const take = async (number: number) => {
    const end = await turns.take()
    had.push(number)
    ends.push(end)
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const all = [take(1), take(2), take(3)]
  await settled()
  expect(had).toEqual([1])
  ends[0]?.()
  ends[0]?.()
  all.push(take(4))
  await settled()
  expect(had).toEqual([1, 2])
  ends[1]?.()
  await settled()
  ends[2]?.()
  await settled()
  ends[3]?.()
  await Promise.all(all)
  expect(had).toEqual([1, 2, 3, 4])
  await take(5)
  expect(had).toEqual([1, 2, 3, 4, 5])
})
