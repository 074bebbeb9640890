import { describe, expect, it } from 'vitest'
import { profiles } from './profiles.ts'

const options = {
  rate: 10,
  peak: undefined,
  durationSeconds: undefined,
  speedup: 1,
  trace: undefined,
}

describe('profiles', () => {
  it('steady keeps the rate for the duration', () => {
    const curve = profiles.steady({ ...options, durationSeconds: 20 })
    expect(curve).toMatchObject({ durationSeconds: 20, arrivals: 200, peakRate: 10 })
  })

  it('spike goes up to the peak and back to the rate', () => {
    const curve = profiles.spike({ ...options, peak: 200, durationSeconds: 100 })
    expect(curve.durationSeconds).toBeCloseTo(100)
    expect(curve.peakRate).toBe(200)
    expect(curve.segments.at(0)?.startRate).toBe(10)
    expect(curve.segments.at(-1)?.endRate).toBe(10)
    expect(curve.arrivals).toBeCloseTo(2 * 300 + 6000 + 2 * 5 * 105)
  })

  it('spike takes ten times the rate when no peak is given', () => {
    expect(profiles.spike(options).peakRate).toBe(100)
  })

  it('ramp goes from the rate to the peak', () => {
    const curve = profiles.ramp({ ...options, peak: 30, durationSeconds: 10 })
    expect(curve).toMatchObject({ durationSeconds: 10, arrivals: 200, peakRate: 30 })
    expect(curve.segments[0]?.startRate).toBe(10)
  })

  it('on-sale opens at once, and halves what is above the rate with each tenth of the time', () => {
    const curve = profiles['on-sale']({ ...options, peak: 210, durationSeconds: 100 })
    expect(curve.durationSeconds).toBeCloseTo(100)
    const planned = curve.arrivalsBySecond
    expect(planned[9]).toBeCloseTo(10)
    expect(planned[10]).toBeGreaterThan(195)
    expect(planned[20]).toBeGreaterThan(100)
    expect(planned[20]).toBeLessThan(112)
    expect(planned.at(-1)).toBeLessThan(11)
  })

  it('says what is planned in each second, whole and parts of one', () => {
    const curve = profiles.spike({ ...options, durationSeconds: 7.5 })
    const planned = curve.arrivalsBySecond
    expect(planned).toHaveLength(8)
    expect(planned[0]).toBeCloseTo(10)
    expect(planned.reduce((sum, one) => sum + one, 0)).toBeCloseTo(curve.arrivals)
    expect(profiles.trace({ ...options, trace: [3, 0, 5] }).arrivalsBySecond).toEqual([3, 0, 5])
  })

  it('trace plays every recorded second at its own rate', () => {
    const curve = profiles.trace({ ...options, trace: [3, 0, 5] })
    expect(curve).toMatchObject({ durationSeconds: 3, arrivals: 8, peakRate: 5 })
  })

  it('trace keeps its number of arrivals when it is played faster', () => {
    const curve = profiles.trace({ ...options, trace: [3, 0, 5], speedup: 2 })
    expect(curve).toMatchObject({ durationSeconds: 1.5, arrivals: 8, peakRate: 10 })
  })

  it('trace can be scaled to a peak and cut short', () => {
    const curve = profiles.trace({ ...options, trace: [2, 4, 8], peak: 40, durationSeconds: 2 })
    expect(curve).toMatchObject({ durationSeconds: 2, arrivals: 60, peakRate: 40 })
  })
})
