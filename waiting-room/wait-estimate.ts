import type { WaitEstimate } from '@spacegrid/grid/doors/request/line-serving'

/** Places whose turn came at one moment. */
export interface Movement {
  readonly atMs: number
  readonly count: number
}

/** A lane as whoever estimates sees it. */
export interface FlowingLane {
  readonly lane: string
  readonly share: number
  readonly waiting: number
  /** Who joins, per second, as measured. */
  readonly arrivalsPerS: number
}

export interface EstimateAsked {
  /** Turns of the same lane until theirs, their own included. */
  readonly ahead: number
  readonly lane: string
  readonly lanes: readonly FlowingLane[]
  /** Of all lanes together, by time, while somebody was waiting. */
  readonly movements: readonly Movement[]
  /** Whether the line has found its pace. */
  readonly isSettled: boolean
  /** Since when they have been recorded without a break. */
  readonly sinceMs: number
  readonly nowMs: number
}

const measuredMsMin = 3000
const movedMin = 5
const windowMsMin = 20_000
const windowMsFirst = 30_000
const windowMsUnsettled = 15_000
const binsMin = 6
const binsMax = 30
/** Of a normal distribution, both sides: nine of ten. */
const nineOfTen = 1.645

/** The pace is never steadier than that over a whole wait, as part of it (standard deviation). */
const changesMin = 0.06

/** The number inside is doubled until it is too many: then it is up to twice what can be. */
const unsettledFactor = 1.5

interface Rate {
  readonly perS: number
  /** Variance of what moves in t seconds, for each second of t. */
  readonly variancePerS: number
  readonly seconds: number
  /** By how much the two halves differ, as part of the rate. */
  readonly drift: number
  /** By how much the rate grows, as part of it, per second. */
  readonly growthPerS: number
}

/**
 * The wait as it follows from how fast the line has moved: over as long a time as the wait takes,
 * where there is that much to look back on. Its error has three parts: the moves to come vary as
 * those that were measured have (of a renewal process the time until the n-th has the variance
 * n·σ²/r³: Feller, An Introduction to Probability Theory II, XI.5); the rate was measured over a
 * limited time; and it may change as it has changed within that time.
 * @returns undefined: too little has been measured
 */
export function estimateWait(asked: EstimateAsked): WaitEstimate | undefined {
  const { ahead, nowMs, sinceMs, movements, isSettled } = asked
  if (ahead <= 0) return { seconds: 0, from: 0, to: 0, isSettled: true }
  const availableMs = nowMs - sinceMs
  if (availableMs < measuredMsMin) return undefined
  // While it gets faster the newest says most.
  let windowMs = Math.min(isSettled ? windowMsFirst : windowMsUnsettled, availableMs)
  let rate: Rate | undefined
  let seconds = 0
  for (let round = 0; round < 3; round++) {
    rate = rateOver(movements, nowMs, windowMs)
    if (rate.perS * rate.seconds < movedMin) {
      if (windowMs === availableMs) return undefined
      windowMs = availableMs
      continue
    }
    seconds = waitAmong(asked, rate.perS)
    if (isSettled) windowMs = Math.min(availableMs, Math.max(windowMsMin, seconds * 1000))
  }
  if (!rate || seconds === 0) return undefined
  const error = nineOfTen * Math.sqrt(varianceOf(ahead, seconds, rate))
  // It may have got faster than it can stay.
  if (!isSettled) {
    const to = seconds * unsettledFactor + error
    return { seconds: seconds * growingShare(rate.growthPerS * seconds), from: 0, to, isSettled }
  }
  return { seconds, from: Math.max(0, seconds - error), to: seconds + error, isSettled }
}

/**
 * Part of the wait at the present rate that is told while the rate grows, and nobody knows yet
 * where it will stop: the geometric mean of that wait and the one that it would be if the rate went
 * on growing. One that grows by g per second works off in ln(1 + g·t)/g what it would take t for as
 * it is.
 * @param growth g·t
 */
const growingShare = (growth: number): number =>
  growth === 0 ? 1 : Math.sqrt(Math.log1p(growth) / growth)

function varianceOf(ahead: number, seconds: number, rate: Rate): number {
  // What this lane gets of the moves: others get the rest, by turns.
  const perS = ahead / seconds
  const part = Math.min(1, perS / rate.perS)
  const variancePerS = part * part * rate.variancePerS + part * (1 - part) * rate.perS * 0.1
  const toCome = (ahead * variancePerS) / perS ** 3
  const measured = (seconds ** 2 * rate.variancePerS) / (rate.seconds * rate.perS ** 2)
  const changing = (seconds * Math.max(rate.drift / 2, changesMin)) ** 2
  return toCome + measured + changing
}

function rateOver(movements: readonly Movement[], nowMs: number, windowMs: number): Rate {
  const count = Math.max(binsMin, Math.min(binsMax, Math.floor(windowMs / 1000)))
  const bins = new Array<number>(count).fill(0)
  const fromMs = nowMs - windowMs
  for (let at = movements.length - 1; at >= 0; at--) {
    const { atMs, count: moved } = movements[at] as Movement
    if (atMs <= fromMs) break
    const bin = Math.min(count - 1, Math.max(0, Math.floor(((atMs - fromMs) / windowMs) * count)))
    bins[bin] = (bins[bin] as number) + moved
  }
  const seconds = windowMs / 1000
  const total = bins.reduce((sum, one) => sum + one, 0)
  const mean = total / count
  const variance = bins.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (count - 1)
  const half = Math.floor(count / 2)
  const earlier = bins.slice(0, half).reduce((sum, one) => sum + one, 0)
  const later = bins.slice(count - half).reduce((sum, one) => sum + one, 0)
  return {
    perS: total / seconds,
    variancePerS: variance / (seconds / count),
    seconds,
    drift: earlier + later === 0 ? 0 : Math.abs(later - earlier) / (earlier + later),
    growthPerS: earlier > 0 && later > earlier ? Math.log(later / earlier) / (seconds / 2) : 0,
  }
}

/**
 * Until so many of one lane have gone, where lanes with somebody waiting have their shares of the
 * rate and each gets more when another runs empty: as a fluid (generalized processor sharing:
 * Parekh and Gallager, 1993).
 */
function waitAmong({ ahead, lane, lanes }: EstimateAsked, perS: number): number {
  const own = lanes.find((one) => one.lane === lane)
  if (!own) return ahead / perS
  const others = lanes.filter((one) => one !== own)
  const waiting = others.map((one) => one.waiting)
  let left = ahead
  let seconds = 0
  // Each round a lane runs empty, or all that are ahead have gone.
  for (let round = 0; round <= others.length; round++) {
    const speeds = speedsOf(own, others, waiting, perS)
    const emptyAfter = others.map(({ arrivalsPerS }, at) => {
      const falls = (speeds.others[at] ?? 0) - arrivalsPerS
      const there = waiting[at] ?? 0
      return there > 0 && falls > 0 ? there / falls : Number.POSITIVE_INFINITY
    })
    const next = Math.min(left / speeds.own, ...emptyAfter)
    for (const [at, { arrivalsPerS }] of others.entries()) {
      const grows = arrivalsPerS - (speeds.others[at] ?? 0)
      const there = waiting[at] ?? 0
      if (there > 0)
        waiting[at] = (emptyAfter[at] ?? 0) <= next ? 0 : Math.max(0, there + grows * next)
    }
    seconds += next
    left -= speeds.own * next
    if (left <= ahead * 1e-9) return seconds
  }
  return seconds + left / perS
}

/** A lane in which nobody waits takes what comes, at most its share; the others share the rest. */
function speedsOf(
  own: FlowingLane,
  others: readonly FlowingLane[],
  waiting: readonly number[],
  perS: number,
): { readonly own: number; readonly others: readonly number[] } {
  const all = others.reduce((sum, { share }) => sum + share, own.share)
  const isBusy = (at: number) => (waiting[at] ?? 0) > 0
  const passing = others.map(({ arrivalsPerS, share }, at) =>
    isBusy(at) ? 0 : Math.min(arrivalsPerS, (perS * share) / all),
  )
  const rest = perS - passing.reduce((sum, one) => sum + one, 0)
  const busyShares = others.reduce(
    (sum, { share }, at) => sum + (isBusy(at) ? share : 0),
    own.share,
  )
  return {
    own: Math.max((rest * own.share) / busyShares, perS * 1e-6),
    others: others.map(({ share }, at) =>
      isBusy(at) ? (rest * share) / busyShares : (passing[at] ?? 0),
    ),
  }
}
