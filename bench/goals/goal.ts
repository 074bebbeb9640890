import type { GoalContext } from './goal-context.ts'
import type { Spread } from './spread.ts'

/** One line of the table of goals. */
export interface GoalRow {
  /** What was measured, and how. */
  readonly what: string
  /** In words, as it is promised. */
  readonly goal: string
  readonly measured: string
  /**
   * What it is compared with, and that one's figure; nothing when the goal is a figure of its own.
   */
  readonly peer?: string
  /** Ours by the peer's of the same round. */
  readonly ratio?: Spread
  /** Undefined: could not be measured here; the note says why. */
  readonly met: boolean | undefined
  readonly note?: string
}

/** Where somebody stands, for the tables beside that of the goals. */
export interface Figure {
  readonly table: string
  readonly subject: string
  readonly operation: string
  readonly inFlight: number
  readonly perSecond: Spread
  /** ms, of the median round. */
  readonly p50?: number
  /** Attempts for each success. */
  readonly attempts?: number
}

/** A row, with the name of its goal. */
export type NamedRow = GoalRow & { readonly name: string }

/** What one goal has given; its figures are for tables or plots of their own. */
export interface GoalResult<OfFigure = Figure> {
  readonly rows: readonly GoalRow[]
  readonly figures?: readonly OfFigure[]
}

/** A promise about speed or size, and how it is measured: alone, or with the others in one run. */
export interface Goal {
  readonly name: string
  measure(context: GoalContext): Promise<GoalResult>
}
