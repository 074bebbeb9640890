import { expect, test } from 'vitest'
import { LatencySample, sampleSize } from './latency-sample.ts'

test('of few values every one counts', () => {
  const sample = new LatencySample()
  expect(sample.at([0.5])).toEqual([null])
  for (const value of [5, 1, 4, 2, 3]) sample.add(value)
  expect(sample.at([0, 0.5, 0.9, 1])).toEqual([1, 3, 5, 5])
})

test('of many a fair sample is kept, whenever they came', () => {
  const sample = new LatencySample()
  const values = sampleSize * 20
  for (let value = 0; value < values; value += 1) sample.add(value)
  const [low, median, high] = sample.at([0.1, 0.5, 0.9]) as [number, number, number]
  expect(low / values).toBeCloseTo(0.1, 1)
  expect(median / values).toBeCloseTo(0.5, 1)
  expect(high / values).toBeCloseTo(0.9, 1)
})
