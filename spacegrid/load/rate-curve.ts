/** A stretch of time in which the rate goes in a straight line from one value to another. */
export interface RateSegment {
  readonly durationSeconds: number
  /** Arrivals per second at the beginning and at the end of the segment. */
  readonly startRate: number
  readonly endRate: number
}

export const flat = (durationSeconds: number, rate: number): RateSegment => ({
  durationSeconds,
  startRate: rate,
  endRate: rate,
})

/**
 * Arrivals per second over time, as a chain of straight lines. Every profile is one of these, so
 * the schedule knows nothing about profiles: it asks only at which moment the curve has produced a
 * given number of arrivals.
 */
export class RateCurve {
  readonly segments: readonly RateSegment[]
  readonly durationSeconds: number
  /** The number of arrivals that the whole curve produces; not a whole number in general. */
  readonly arrivals: number

  constructor(segments: readonly RateSegment[]) {
    for (const segment of segments) checkSegment(segment)
    this.segments = segments
    this.durationSeconds = segments.reduce((sum, segment) => sum + segment.durationSeconds, 0)
    this.arrivals = segments.reduce((sum, segment) => sum + segmentArrivals(segment), 0)
  }

  get peakRate(): number {
    return this.segments.reduce(
      (peak, segment) => Math.max(peak, segment.startRate, segment.endRate),
      0,
    )
  }

  /** Arrivals that are planned in each second. */
  get arrivalsBySecond(): readonly number[] {
    const seconds = new Array<number>(Math.ceil(this.durationSeconds)).fill(0)
    let from = 0
    for (const { durationSeconds, startRate, endRate } of this.segments) {
      const to = from + durationSeconds
      const rateAt = (at: number) =>
        startRate + ((endRate - startRate) * (at - from)) / durationSeconds
      for (let second = Math.floor(from); second < Math.min(to, seconds.length); second += 1) {
        const [begin, end] = [Math.max(from, second), Math.min(to, second + 1)]
        if (end > begin)
          seconds[second] =
            (seconds[second] ?? 0) + ((rateAt(begin) + rateAt(end)) / 2) * (end - begin)
      }
      from = to
    }
    return seconds
  }

  /** The same shape with every rate multiplied. */
  scaled(factor: number): RateCurve {
    return new RateCurve(
      this.segments.map((segment) => ({
        durationSeconds: segment.durationSeconds,
        startRate: segment.startRate * factor,
        endRate: segment.endRate * factor,
      })),
    )
  }

  /** The curve's first seconds; the whole curve when it is shorter. */
  truncated(durationSeconds: number): RateCurve {
    const kept: RateSegment[] = []
    let left = durationSeconds
    for (const segment of this.segments) {
      if (left <= 0) break
      const part = Math.min(1, left / segment.durationSeconds)
      kept.push({
        durationSeconds: segment.durationSeconds * part,
        startRate: segment.startRate,
        endRate: segment.startRate + (segment.endRate - segment.startRate) * part,
      })
      left -= segment.durationSeconds
    }
    return new RateCurve(kept)
  }

  /**
   * Reads the curve forwards: called with ever larger numbers of arrivals, the function answers the
   * second at which the curve has produced that many, or undefined past its end.
   */
  reader(): (arrivals: number) => number | undefined {
    let index = 0
    let secondsBefore = 0
    let arrivalsBefore = 0
    return (arrivals) => {
      for (;;) {
        const segment = this.segments[index]
        if (segment === undefined) return undefined
        const inSegment = segmentArrivals(segment)
        if (arrivals < arrivalsBefore + inSegment) {
          return secondsBefore + secondsUntil(segment, arrivals - arrivalsBefore)
        }
        index += 1
        secondsBefore += segment.durationSeconds
        arrivalsBefore += inSegment
      }
    }
  }
}

function checkSegment(segment: RateSegment): void {
  const { durationSeconds, startRate, endRate } = segment
  const usable = [durationSeconds, startRate, endRate].every(
    (value) => Number.isFinite(value) && value >= 0,
  )
  if (!usable || durationSeconds === 0) {
    throw new RangeError(`Not a stretch of load: ${JSON.stringify(segment)}`)
  }
}

function segmentArrivals(segment: RateSegment): number {
  return ((segment.startRate + segment.endRate) / 2) * segment.durationSeconds
}

/**
 * Seconds into the segment at which it has produced the given number of arrivals: the positive root
 * of slope/2 · t² + startRate · t = arrivals, in the form that stays exact when the slope is near
 * zero.
 */
function secondsUntil(segment: RateSegment, arrivals: number): number {
  const { startRate, endRate, durationSeconds } = segment
  const slope = (endRate - startRate) / durationSeconds
  const root = Math.sqrt(Math.max(0, startRate * startRate + 2 * slope * arrivals))
  const seconds = arrivals === 0 ? 0 : (2 * arrivals) / (startRate + root)
  return Math.min(durationSeconds, seconds)
}
