/** A value at a moment, in seconds. */
export interface Point {
  readonly at: number
  readonly value: number
}

export interface Series {
  readonly what: string
  readonly points: readonly Point[]
  /** What it may grow by, over the half that is judged, at least … */
  readonly allowed: number
  /** … or this share of what it is in the middle. */
  readonly allowedShare: number
}

export interface Trend {
  readonly what: string
  readonly points: number
  /** In the middle of the half that is judged. */
  readonly usual: number
  /** By the slope, from the beginning of that half to its end. */
  readonly growth: number
  readonly allowed: number
  /** How sure the direction is, in standard deviations of chance (Mann and Kendall). */
  readonly sureness: number
  readonly grows: boolean
}

/** One in a hundred series without a trend looks as if it had one that sure. */
const surenessMin = 2.33
/** Fewer say nothing. */
export const pointsMin = 8

/**
 * Whether a series grows, by its second half: what is warmed up in the first is no leak. The slope
 * is the median of those between any two points (Theil and Sen), so that neither a peak nor a
 * collection of garbage at one end decides. It grows if that makes more over the half than is
 * allowed, and the direction is no chance.
 */
export function trendOf({ what, points, allowed, allowedShare }: Series): Trend {
  const half = points.slice(Math.floor(points.length / 2))
  const usual = median(half.map(({ value }) => value))
  const room = Math.max(allowed, allowedShare * Math.abs(usual))
  const [first, last] = [half[0], half.at(-1)]
  if (half.length < pointsMin || !first || !last)
    return { what, points: half.length, usual, growth: 0, allowed: room, sureness: 0, grows: false }
  const slopes: number[] = []
  let signs = 0
  for (const [i, one] of half.entries())
    for (const other of half.slice(i + 1)) {
      slopes.push((other.value - one.value) / (other.at - one.at))
      signs += Math.sign(other.value - one.value)
    }
  const growth = median(slopes) * (last.at - first.at)
  const sureness = signs / Math.sqrt(varianceOf(half.map(({ value }) => value)))
  const grows = growth > room && sureness > surenessMin
  return { what, points: half.length, usual, growth, allowed: room, sureness, grows }
}

/** Of the sum of signs, if there is no trend; equal values count less. */
function varianceOf(values: readonly number[]): number {
  const term = (n: number) => n * (n - 1) * (2 * n + 5)
  const equal = Map.groupBy(values, (value) => value)
  const ties = [...equal.values()].reduce((sum, those) => sum + term(those.length), 0)
  return Math.max(1, (term(values.length) - ties) / 18)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** The lowest point of each of so many stretches: of memory, what is left after a collection. */
export function lowest(points: readonly Point[], stretches: number): Point[] {
  const size = Math.max(1, Math.ceil(points.length / stretches))
  const found: Point[] = []
  for (let at = 0; at < points.length; at += size)
    found.push(
      points.slice(at, at + size).reduce((one, other) => (other.value < one.value ? other : one)),
    )
  return found
}
