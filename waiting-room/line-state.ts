/** How one lane of a line stands. */
export interface LaneState {
  readonly lane: string
  readonly share: number
  /** Places given so far: the number of the newest. */
  readonly given: number
  /** Number of the last place whose turn has come. */
  readonly admitted: number
  /** `TurnLane.turn` */
  readonly turn: number
}

/** Places of one lane whose turn came at one moment. */
export interface AdmittedStep {
  readonly key: string
  readonly lane: string
  readonly from: number
  readonly upTo: number
  /** ms of the log's time. */
  readonly atMs: number
  /** Of them, those who have come. */
  readonly claimed: number
  /** Of them, those whose visit is over before its time. */
  readonly finished: number
}

/** What units have told, since the line was begun. */
export interface LineSignals {
  readonly committed: number
  readonly shed: number
  readonly finished: number
}

/** How many may be inside at a time, and what it was last set by. */
export interface LinePace {
  readonly window: number
  /** Below it the window grows faster, once it has met its limit. */
  readonly threshold: number
  /** Nobody is let in: what the admitted ask is not done just now. */
  readonly isHeld: boolean
  readonly reducedAtMs: number
  /** When it was first known how many can be inside; 0: it is not known yet. */
  readonly settledAtMs: number
  readonly updatedAtMs: number
  readonly seen: LineSignals
  /** Visits that are finished, per second, over some ten seconds. */
  readonly finishedPerS: number
  /** Commands of the admitted that are done, per second, over some ten seconds. */
  readonly committedPerS?: number
  /** Since when less is done than before while something is turned away; 0: it is not so. */
  readonly disturbedAtMs?: number
}

/** All that is kept of one line, but for the visitors themselves: of those nothing is. */
export interface LineState {
  readonly line: string
  /** Counts the moments at which somebody was let in, or the pace was changed. */
  readonly step: number
  /**
   * Since when somebody has been waiting without a break, ms of the log's time; undefined: nobody
   * is.
   */
  readonly busySinceMs?: number
  readonly pace: LinePace
  readonly lanes: readonly LaneState[]
  readonly signals: LineSignals
  /** Of visits that can be under way, by time. */
  readonly steps: readonly AdmittedStep[]
}

export const noSignals: LineSignals = { committed: 0, shed: 0, finished: 0 }

/** Of one lane, those whose turn has not come. */
export const waitingInLane = ({ given, admitted }: Pick<LaneState, 'given' | 'admitted'>): number =>
  Math.max(0, given - admitted)

export const waitingIn = ({ lanes }: Pick<LineState, 'lanes'>): number =>
  lanes.reduce((sum, lane) => sum + waitingInLane(lane), 0)

export const placesOf = ({ from, upTo }: Pick<AdmittedStep, 'from' | 'upTo'>): number =>
  upTo - from + 1

/** Where a place's turn came, if that is not longer ago than a visit lasts. */
export function stepOf(
  { steps }: Pick<LineState, 'steps'>,
  lane: string,
  number: number,
): AdmittedStep | undefined {
  return steps.find((step) => step.lane === lane && step.from <= number && number <= step.upTo)
}
