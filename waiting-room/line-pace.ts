import { type LinePace, type LineState, noSignals, placesOf, waitingIn } from './line-state.ts'

export interface PaceSettings {
  /** Visitors inside at the beginning, when nothing has been measured. */
  readonly insideFirst: number
  readonly insideMax: number
  /** How long a visit lasts, ms. */
  readonly visitMs: number
  /** How long a place is kept free for whoever's turn has come and who has not come yet, ms. */
  readonly claimMs: number
}

const insideMin = 1
const updateMs = 1000
/** Share of what the admitted ask that may be turned away without the window being made smaller. */
const shedShareMax = 0.01
/** From this share on nobody is let in. */
const heldShare = 0.5
/** Nobody inside has asked anything for so long: nothing speaks against letting somebody in. */
const heldMs = 10_000
/** Growth for each finished visit, once the window has met its limit, near it. */
const growth = 0.05
/** It doubles with each visit's time in which nothing is turned away, after so many of them. */
const quietVisits = 2
const growthMax = 0.5
/**
 * And back to where it was when something was turned away, less a tenth (as CUBIC does: RFC 9438).
 */
const growthBack = 0.25
const backTo = 0.9
const againTo = 0.95
/** Growth per second where no visit has ever been finished: nothing says what a visit is. */
const growthUnmeasured = 0.01
/** Part of the window that must be in use for it to grow. */
const usedShare = 0.8
/** Less done than that part of what was done before is a disturbance: not too many are inside. */
const disturbedShare = 0.9
/** What lasts longer is no disturbance: it is what can be done now. */
const disturbedMsMax = 15_000
const reduceMsMin = 2000
const reduceMsMax = 60_000
/** A window is filled in this time at the earliest. */
const fillMs = 2000
/** Places that must have been there for their claims to say how many come. */
const showSamplesMin = 20

export const firstPace = ({ insideFirst, insideMax }: PaceSettings): LinePace => ({
  window: Math.min(insideFirst, insideMax),
  threshold: insideMax,
  isHeld: false,
  reducedAtMs: 0,
  settledAtMs: insideFirst >= insideMax ? 1 : 0,
  updatedAtMs: 0,
  seen: noSignals,
  finishedPerS: 0,
  committedPerS: 0,
  disturbedAtMs: 0,
})

/** Part of those whose turn comes who do come, as it was lately. */
export function showRateOf({ steps }: LineState, { claimMs }: PaceSettings, nowMs: number): number {
  let places = 0
  let claimed = 0
  for (const step of steps)
    if (nowMs - step.atMs >= claimMs) {
      places += placesOf(step)
      claimed += step.claimed
    }
  return places < showSamplesMin ? 1 : Math.min(1, claimed / places)
}

/**
 * Visitors who are inside: whose turn has come, who have come (or may be expected to), and whose
 * visit is not over.
 */
export function insideOf(state: LineState, settings: PaceSettings, nowMs: number): number {
  const showRate = showRateOf(state, settings, nowMs)
  let inside = 0
  for (const step of state.steps) {
    const { atMs, claimed, finished } = step
    const ageMs = nowMs - atMs
    if (ageMs >= settings.visitMs) continue
    const places = placesOf(step)
    const came = Math.min(claimed, places)
    // The longer somebody has not come, the less likely it is that they will.
    const hope = Math.max(0, 1 - ageMs / settings.claimMs)
    const expected = Math.max(0, places * showRate - came) * hope
    inside += Math.max(0, came + expected - finished)
  }
  return inside
}

/**
 * How many may be inside at a time: what congestion control is for packets. Visits that are
 * finished are the acknowledgements, and what units turn away is the mark of congestion. So the
 * line moves as fast as visits are finished, which is measured and not guessed: each one that ends
 * lets one in. The window grows by one for each of them until something is turned away (slow start:
 * Jacobson, "Congestion Avoidance and Control", 1988), is then made smaller by half the share of
 * what was turned away, once for each time that a visit takes (DCTCP: Alizadeh et al., 2010), and
 * grows slowly from there, and faster the longer nothing is turned away (as CUBIC does: RFC 9438):
 * units may have been added. Nothing is let in while most of what the admitted ask is not done at
 * all. And what is turned away while less is done than before says that something is missing, not
 * that too many are inside: the window stays as it is until that is over, or has lasted.
 */
export function nextPace(state: LineState, settings: PaceSettings, nowMs: number): LinePace {
  const { pace, signals } = state
  const passedMs = nowMs - pace.updatedAtMs
  if (pace.updatedAtMs > 0 && passedMs < updateMs) return pace
  const { seen } = pace
  const finished = signals.finished - seen.finished
  const committed = signals.committed - seen.committed
  const shed = signals.shed - seen.shed
  const asked = shed + committed
  const shedShare = asked === 0 ? (pace.isHeld ? heldShare : 0) : shed / asked
  const perS = (count: number) =>
    pace.updatedAtMs === 0 ? 0 : (1000 * count) / Math.max(1000, passedMs)
  const disturbedAtMs = disturbedSince(pace, shedShare, perS(committed), nowMs)
  const isDisturbed = disturbedAtMs > 0 && nowMs - disturbedAtMs < disturbedMsMax
  const seconds = Math.min(passedMs, 10_000) / 1000
  // What is done while something is missing says nothing of what can be done.
  const averaged = (before: number, now: number) =>
    isDisturbed ? before : before + (now - before) * (before === 0 ? 1 : Math.min(1, seconds / 10))
  const finishedPerS = averaged(pace.finishedPerS, perS(finished))
  const inside = insideOf(state, settings, nowMs)
  const next = {
    ...pace,
    ...{ finishedPerS, disturbedAtMs },
    committedPerS: averaged(pace.committedPerS ?? 0, perS(committed)),
    seen: signals,
    updatedAtMs: nowMs,
    isHeld: asked === 0 ? pace.isHeld && passedMs < heldMs : shedShare > heldShare,
  }
  if (next.isHeld || isDisturbed) return next
  const visitMs = finishedPerS > 0 ? (1000 * inside) / finishedPerS : reduceMsMax
  if (asked > 0 && shedShare > shedShareMax) {
    const pauseMs = Math.min(reduceMsMax, Math.max(reduceMsMin, visitMs))
    if (nowMs - pace.reducedAtMs < pauseMs) return next
    const used = Math.min(pace.window, Math.max(inside, insideMin))
    const window = Math.max(insideMin, used * (1 - shedShare / 2))
    const settledAtMs = pace.settledAtMs || nowMs
    // Before it has come back it was too many for another reason: or back to a little less.
    const isAgain = pace.settledAtMs > 0 && used < pace.threshold
    const threshold = isAgain ? pace.threshold * againTo : used * backTo
    return { ...next, window, threshold, reducedAtMs: nowMs, settledAtMs }
  }
  if (inside < pace.window * usedShare || waitingIn(state) === 0) return next
  const isMeasured = signals.finished > 0
  const grown = isMeasured
    ? finished * growthOf(pace, visitMs, nowMs)
    : committed > 0
      ? pace.window * growthUnmeasured * seconds
      : 0
  const window = Math.min(settings.insideMax, pace.window + grown)
  const isFull = window >= settings.insideMax
  return { ...next, window, settledAtMs: pace.settledAtMs || (isFull ? nowMs : 0) }
}

/**
 * Since when less is done than before while something is turned away; 0: nothing is turned away any
 * more, or it never was less.
 */
function disturbedSince(
  { committedPerS = 0, disturbedAtMs = 0 }: LinePace,
  shedShare: number,
  perS: number,
  nowMs: number,
): number {
  if (shedShare <= shedShareMax) return 0
  if (disturbedAtMs > 0) return disturbedAtMs
  return perS < committedPerS * disturbedShare ? nowMs : 0
}

function growthOf(pace: LinePace, visitMs: number, nowMs: number): number {
  const { settledAtMs, window, threshold, reducedAtMs } = pace
  if (settledAtMs === 0) return 1
  if (window < threshold) return growthBack
  const visits = (nowMs - Math.max(reducedAtMs, settledAtMs)) / visitMs
  return Math.min(growthMax, growth * 2 ** Math.max(0, visits - quietVisits))
}

/** How many come in now. */
export function admittedNow(
  state: LineState,
  pace: LinePace,
  settings: PaceSettings,
  nowMs: number,
  sinceStepMs: number,
): number {
  if (pace.isHeld) return 0
  const room = pace.window - insideOf(state, settings, nowMs)
  const atOnce = Math.ceil((pace.window * Math.min(sinceStepMs, fillMs)) / fillMs)
  return Math.max(0, Math.min(waitingIn(state), Math.floor(room + 1e-9), atOnce))
}
