/** Pairs of points give the slope: so few, and noise does; so many, and a spike is over. */
const pointsMax = 15
/** Points lie so far apart, whatever happens in between. */
const apartMs = 900
/** The newest so many say where it stands. */
const levelPoints = 3
/** What lies ahead is never taken for more than so many times what is there. */
const growthMax = 2

interface Point {
  readonly at: number
  readonly value: number
}

/**
 * Where a figure is heading: the median of the slopes of all pairs among the last points (Theil
 * 1950; Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", Journal of the
 * American Statistical Association 63, 1968). Up to 29 % of the points may be nonsense, a pause of
 * the garbage collector or a burst, without turning it.
 */
export class Trend {
  readonly #points: Point[] = []

  add(at: number, value: number): void {
    const newest = this.#points.at(-1)
    if (newest && at - newest.at < apartMs) return
    this.#points.push({ at, value })
    if (this.#points.length > pointsMax) this.#points.shift()
  }

  get #level(): number {
    return median(this.#points.slice(-levelPoints).map(({ value }) => value))
  }

  /** Per second; 0 while nothing can be said. */
  get #slope(): number {
    const points = this.#points
    if (points.length < levelPoints + 1) return 0
    const slopes: number[] = []
    for (const [index, earlier] of points.entries())
      for (const later of points.slice(index + 1))
        if (later.at > earlier.at)
          slopes.push(((later.value - earlier.value) * 1000) / (later.at - earlier.at))
    return median(slopes)
  }

  /** What it will be, if it goes on like this; never below what it is now. */
  ahead(ms: number): number {
    const level = this.#level
    const grown = level + (Math.max(0, this.#slope) * ms) / 1000
    return Math.min(grown, growthMax * level)
  }
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}
