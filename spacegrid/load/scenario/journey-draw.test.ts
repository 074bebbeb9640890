import { expect, test } from 'vitest'
import { seededRandom } from '../random.ts'
import { journeyDraw } from './journey-draw.ts'

const named = (weights: Readonly<Record<string, number | undefined>>) =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [
      name,
      { ...(weight === undefined ? {} : { weight }), visit: async () => {} },
    ]),
  )

test('journeys are drawn by their weights, and those of none never', () => {
  const journeys = named({ rare: 0.5, never: 0, usual: undefined, often: 3.5 })
  const draw = journeyDraw(journeys)
  const random = seededRandom(3)
  const drawn = Array.from({ length: 20_000 }, () => draw(random))
  const share = (name: string) =>
    drawn.filter((journey) => journey === journeys[name]).length / drawn.length
  expect(share('rare')).toBeCloseTo(0.1, 1)
  expect(share('usual')).toBeCloseTo(0.2, 1)
  expect(share('often')).toBeCloseTo(0.7, 1)
  expect(share('never')).toBe(0)
})

test('without any that has a weight, or with one that is none, nothing begins', () => {
  expect(() => journeyDraw(named({ a: 0 }))).toThrow('nobody would do anything')
  expect(() => journeyDraw({})).toThrow('nobody would do anything')
  expect(() => journeyDraw(named({ a: -1 }))).toThrow('Journey a has the weight -1')
  expect(() => journeyDraw(named({ a: Number.NaN }))).toThrow('Journey a')
})
