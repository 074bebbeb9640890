import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { describe, expect, test } from 'vitest'
import { lowest, type Point, trendOf } from './trend.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const random = new SeededRandom(seed)
const megabyte = 2 ** 20
const noise = (of: number) => (random.below(1000) / 1000 - 0.5) * of
const points = (count: number, valueAt: (at: number) => number): Point[] =>
  Array.from({ length: count }, (_, at) => ({ at, value: valueAt(at) }))
const judged = (series: readonly Point[]) =>
  trendOf({ what: 'memory', points: series, allowed: 8 * megabyte, allowedShare: 0.1 })

const base = 120 * megabyte
/** A heap that fills and is collected. */
const sawtooth = (at: number) => (at % 7) * 5 * megabyte

describe(`a trend, SEED=${seed}`, () => {
  test.each([
    ['is flat', () => base],
    ['is noisy', () => base + noise(30 * megabyte)],
    ['is warmed up', (at: number) => base + Math.min(at, 50) * megabyte],
    ['is collected now and then', (at: number) => base + sawtooth(at)],
    ['has one peak at its end', (at: number) => base + (at > 115 ? 200 * megabyte : 0)],
    ['shrinks', (at: number) => base - at * 0.5 * megabyte],
  ])('is none, of what %s', (_, valueAt) => {
    expect(judged(points(120, valueAt))).toMatchObject({ grows: false })
    expect(judged(lowest(points(120, valueAt), 40))).toMatchObject({ grows: false })
  })

  test.each([
    ['grows by little', (at: number) => base + at * 0.4 * megabyte],
    ['grows, and is noisy', (at: number) => base + at * megabyte + noise(20 * megabyte)],
    ['grows, and is collected', (at: number) => base + at * 0.6 * megabyte + sawtooth(at)],
    ['grows in steps', (at: number) => base + Math.floor(at / 15) * 10 * megabyte],
  ])('is found, of what %s', (_, valueAt) => {
    expect(judged(lowest(points(120, valueAt), 40))).toMatchObject({ grows: true })
  })

  test('is of the second half, and of enough points', () => {
    expect(judged(points(10, (at) => base + at * 100 * megabyte)).grows).toBe(false)
    const { growth, points: count } = judged(points(100, (at) => base + at * megabyte))
    expect(count).toBe(50)
    expect(growth / megabyte).toBeCloseTo(49)
  })
})
