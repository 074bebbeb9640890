import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrivalTimesMs } from './arrivals.ts'
import { seededRandom } from './random.ts'
import { flat, RateCurve } from './rate-curve.ts'

const uniform = (curve: RateCurve): number[] => [
  ...arrivalTimesMs(curve, 'uniform', seededRandom(1)),
]

describe('arrivalTimesMs', () => {
  it('spaces uniform arrivals evenly at a steady rate', () => {
    expect(uniform(new RateCurve([flat(1, 4)]))).toEqual([0, 250, 500, 750])
  })

  it('continues a fraction of an arrival into the next segment', () => {
    const times = uniform(new RateCurve([flat(1, 1.5), flat(1, 3)]))
    expect(times[1]).toBeCloseTo(666.667, 2)
    expect(times[2]).toBeCloseTo(1000 + 500 / 3, 2)
  })

  it('has no arrivals where the rate is zero', () => {
    expect(uniform(new RateCurve([flat(2, 0), flat(1, 2)]))).toEqual([2000, 2500])
    expect(uniform(new RateCurve([flat(2, 0)]))).toEqual([])
  })

  it('follows a rising rate: a quarter of the arrivals in its first half', () => {
    const times = uniform(new RateCurve([{ durationSeconds: 10, startRate: 0, endRate: 100 }]))
    expect(times).toHaveLength(500)
    expect(times.filter((ms) => ms < 5000)).toHaveLength(125)
  })

  it('is the same for the same seed and another for another', () => {
    const curve = new RateCurve([flat(2, 100)])
    const times = (seed: number) => [...arrivalTimesMs(curve, 'poisson', seededRandom(seed))]
    expect(times(7)).toEqual(times(7))
    expect(times(7)).not.toEqual(times(8))
  })

  it('has the mean and the variance of a Poisson process', () => {
    const times = [...arrivalTimesMs(new RateCurve([flat(2000, 20)]), 'poisson', seededRandom(3))]
    const perSecond = new Array<number>(2000).fill(0)
    for (const ms of times) perSecond[Math.floor(ms / 1000)]! += 1
    const mean = times.length / 2000
    const variance = perSecond.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 2000
    expect(mean).toBeGreaterThan(19.5)
    expect(mean).toBeLessThan(20.5)
    expect(variance / mean).toBeGreaterThan(0.85)
    expect(variance / mean).toBeLessThan(1.15)
  })

  it('keeps order, stays inside the curve and produces its number of arrivals, for any curve', () => {
    const rate = fc.double({ min: 0, max: 500, noNaN: true })
    const segment = fc.record({
      durationSeconds: fc.double({ min: 0.01, max: 5, noNaN: true }),
      startRate: rate,
      endRate: rate,
    })
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const curve = new RateCurve(segments)
        const times = uniform(curve)
        expect(Math.abs(times.length - curve.arrivals)).toBeLessThanOrEqual(1)
        let before = 0
        for (const ms of times) {
          expect(ms).toBeGreaterThanOrEqual(before - 1e-6)
          before = ms
        }
        expect(before).toBeLessThanOrEqual(curve.durationSeconds * 1000 + 1e-6)
      }),
      { numRuns: 50 },
    )
  })
})
