import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { Repeats } from './repeats.ts'

test('what comes twice is done once, and answered alike', async () => {
  const repeats = new Repeats<number>(new SimulatedClock())
  let count = 0
  const run = async () => ++count
  expect(await Promise.all([repeats.once('a', run), repeats.once('a', run)])).toEqual([1, 1])
  expect(await repeats.once('b', run)).toBe(2)
  expect(await repeats.once('a', run)).toBe(1)
})

test('is forgotten after a while, and beyond a number', async () => {
  const clock = new SimulatedClock()
  const repeats = new Repeats<number>(clock)
  let count = 0
  const run = async () => ++count
  await repeats.once('a', run)
  await clock.advance(59_000)
  expect(await repeats.once('a', run)).toBe(1)
  await clock.advance(2_000)
  await repeats.once('b', run)
  expect(await repeats.once('a', run)).toBe(3)
  for (let n = 0; n < 65_536; n++) await repeats.once(`n${n}`, run)
  expect(await repeats.once('b', run)).toBe(count)
})
