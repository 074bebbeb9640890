import type { LineName } from '@spacegrid/grid/core/waiting-room'
import type { WaitEstimate } from '@spacegrid/grid/doors/request/line-serving'
import { firstPace, insideOf } from './line-pace.ts'
import { type LineState, noSignals, placesOf, waitingIn, waitingInLane } from './line-state.ts'
import type { RoomOptions } from './room-options.ts'
import type { LineLook } from './space.ts'
import { estimateWait, type FlowingLane, type Movement } from './wait-estimate.ts'

/** A line as it is kept, with what configuration says of it. */
export function stateOf(line: LineName, look: LineLook, options: RoomOptions): LineState {
  const { progress, lanes, steps } = look
  const { committed, shed, finished } = look.signals ?? noSignals
  return {
    line,
    step: progress?.step ?? 0,
    ...(progress?.busySinceMs === undefined ? {} : { busySinceMs: progress.busySinceMs }),
    pace: progress?.pace ?? firstPace(options),
    signals: { committed, shed, finished },
    steps,
    lanes: options.lanes.map(({ lane, share }) => {
      const moved = progress?.lanes.find((one) => one.lane === lane)
      return {
        ...{ lane, share },
        given: lanes.find((one) => one.lane === lane)?.given ?? 0,
        admitted: moved?.admitted ?? 0,
        turn: moved?.turn ?? 0,
      }
    }),
  }
}

/**
 * A line at one moment, as visitors are told of it. What they ask is answered from here, whoever
 * they are and however many.
 */
export class LineView {
  readonly state: LineState
  readonly #movements: readonly Movement[]
  readonly #sinceMs: number
  readonly #nowMs: number
  readonly #lanes: readonly FlowingLane[]
  readonly #estimates = new Map<string, WaitEstimate | undefined>()
  /** All who wait come in at the next step. */
  readonly #hasRoom: boolean

  /** @param arrivalsPerS who joins, by lane, as measured */
  constructor(
    state: LineState,
    options: RoomOptions,
    arrivalsPerS: ReadonlyMap<string, number>,
    nowMs: number,
  ) {
    this.state = state
    this.#nowMs = nowMs
    const room = state.pace.isHeld ? 0 : state.pace.window - insideOf(state, options, nowMs)
    this.#hasRoom = waitingIn(state) <= Math.floor(room)
    this.#movements = state.steps.map((step) => ({ atMs: step.atMs, count: placesOf(step) }))
    this.#sinceMs = measuredSince(state, this.#movements, options, nowMs)
    this.#lanes = state.lanes.map((one) => ({
      ...{ lane: one.lane, share: one.share, waiting: waitingInLane(one) },
      arrivalsPerS: arrivalsPerS.get(one.lane) ?? 0,
    }))
  }

  /** undefined: too little has been measured. */
  estimate(lane: string, ahead: number): WaitEstimate | undefined {
    if (this.#hasRoom) return atOnce
    // Their own turn has to come as well.
    const about = rounded(ahead + 1)
    const key = `${lane} ${about}`
    if (!this.#estimates.has(key))
      this.#estimates.set(
        key,
        estimateWait({
          ...{ ahead: about, lane, lanes: this.#lanes, movements: this.#movements },
          isSettled: this.state.pace.settledAtMs > 0,
          ...{ sinceMs: this.#sinceMs, nowMs: this.#nowMs },
        }),
      )
    return this.#estimates.get(key)
  }
}

const atOnce: WaitEstimate = { seconds: 0, from: 0, to: 0, isSettled: true }

/** Two digits: less than the rate is known by. */
function rounded(ahead: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ahead))) - 1)
  return Math.round(ahead / unit) * unit
}

/**
 * Of a line that has just found its pace a little of what was before is looked at, for want of
 * more.
 */
const settledMsMin = 10_000

/**
 * Since when the moves say how fast the line moves: not while nobody was waiting, and not while the
 * room was being filled at the beginning.
 */
function measuredSince(
  { busySinceMs = Number.POSITIVE_INFINITY, pace }: LineState,
  movements: readonly Movement[],
  { visitMs, insideFirst }: RoomOptions,
  nowMs: number,
): number {
  // What was before the line had found its pace says little about what comes.
  const kept = Math.max(nowMs - visitMs, Math.min(pace.settledAtMs, nowMs - settledMsMin))
  if (busySinceMs <= kept) return kept
  let filled = 0
  for (const { atMs, count } of movements) {
    if (atMs < busySinceMs) continue
    if (filled >= insideFirst) return atMs
    filled += count
  }
  return nowMs
}
