import { flat, RateCurve, type RateSegment } from './rate-curve.ts'

export interface ProfileOptions {
  /** Arrivals per second of ordinary times. */
  readonly rate: number
  /**
   * Arrivals per second at the busiest moment; for a trace, its busiest second is scaled to this
   * when it is given.
   */
  readonly peak: number | undefined
  /** Seconds of arrivals; a trace plays to its end without it. */
  readonly durationSeconds: number | undefined
  /** For a trace: how many of its seconds pass in one second. */
  readonly speedup: number
  /** For a trace: arrivals in each of its seconds. */
  readonly trace: readonly number[] | undefined
}

/** Seconds of arrivals when neither the options nor a trace say how many. */
export const defaultDurationSeconds = 30

/** The peak when none is given, as a multiple of the rate. */
export const defaultPeakFactor = 10

type Profile = (options: ProfileOptions) => RateCurve

/**
 * Every profile by its name on the command line. A new one is one more function from options to a
 * curve: the schedule, the measurements and the reports know nothing else about it.
 */
export const profiles = {
  steady,
  ramp,
  spike,
  'on-sale': onSale,
  trace,
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

export const profileNames = Object.keys(profiles) as ProfileName[]

function steady({ rate, durationSeconds = defaultDurationSeconds }: ProfileOptions): RateCurve {
  return new RateCurve([flat(durationSeconds, rate)])
}

const peakOf = ({ rate, peak }: ProfileOptions): number => peak ?? rate * defaultPeakFactor

/** From the rate to the peak in a straight line: where it bends is what the grid can do. */
function ramp(options: ProfileOptions): RateCurve {
  const { rate, durationSeconds = defaultDurationSeconds } = options
  return new RateCurve([{ durationSeconds, startRate: rate, endRate: peakOf(options) }])
}

/**
 * Ordinary load, a steep rise to the peak, a plateau, a steep fall, ordinary load again. The last
 * part shows whether the grid comes back to where it was.
 */
function spike(options: ProfileOptions): RateCurve {
  const { rate, durationSeconds = defaultDurationSeconds } = options
  const peak = peakOf(options)
  const slopeSeconds = durationSeconds * 0.05
  const levelSeconds = durationSeconds * 0.3
  return new RateCurve([
    flat(levelSeconds, rate),
    { durationSeconds: slopeSeconds, startRate: rate, endRate: peak },
    flat(levelSeconds, peak),
    { durationSeconds: slopeSeconds, startRate: peak, endRate: rate },
    flat(levelSeconds, rate),
  ])
}

/** Pieces of straight line that the fall after an on-sale's opening is made of. */
const fallPieces = 40

/**
 * Doors that open at a known moment: a few who are too early, then everybody who has waited at
 * once, and from there on half as many more than usual after each tenth of the time.
 */
function onSale(options: ProfileOptions): RateCurve {
  const { rate, durationSeconds = defaultDurationSeconds } = options
  const peak = peakOf(options)
  const early = durationSeconds * 0.1
  const halved = durationSeconds * 0.1
  const piece = (durationSeconds - early) / fallPieces
  const rateAfter = (seconds: number) => rate + (peak - rate) * 2 ** (-seconds / halved)
  const fall = Array.from(
    { length: fallPieces },
    (_, index): RateSegment => ({
      durationSeconds: piece,
      startRate: rateAfter(index * piece),
      endRate: rateAfter((index + 1) * piece),
    }),
  )
  return new RateCurve([flat(early, rate), ...fall])
}

/**
 * A recording, played `speedup` times as fast. Each recorded second keeps its own rate: smoothing
 * would take away the bursts for which one replays a recording at all.
 */
function trace(options: ProfileOptions): RateCurve {
  const { speedup, peak, durationSeconds } = options
  const recorded = options.trace ?? []
  const played = new RateCurve(recorded.map((requests) => flat(1 / speedup, requests * speedup)))
  const curve = durationSeconds === undefined ? played : played.truncated(durationSeconds)
  return peak === undefined || curve.peakRate === 0 ? curve : curve.scaled(peak / curve.peakRate)
}
