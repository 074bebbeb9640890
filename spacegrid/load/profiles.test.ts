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
