import type { GoalResult } from '../goals/goal.ts'
import type { GoalContext } from '../goals/goal-context.ts'
import type { Spread } from '../goals/spread.ts'
import type { Scene } from '../profile/scene.ts'

export interface PartitionSizes {
  /** Where memory and moves are measured. */
  readonly entries: number
  /** Where speed is measured: few enough that no cache of the processor is met. */
  readonly entriesFew: number
  readonly units: readonly number[]
  /** Of a divided space, unless their number is what is looked at. */
  readonly partitions: number
  readonly copies: number
}

/** A point of a plot. */
export interface PartitionFigure {
  readonly table: string
  readonly series: string
  readonly xLabel: string
  readonly x: number
  readonly yLabel: string
  readonly y: Spread
}

export type PartitionResult = GoalResult<PartitionFigure>

/** One row, or a few, of what partitions must cost. */
export interface PartitionGoal {
  readonly name: string
  measure(context: GoalContext, sizes: PartitionSizes): Promise<PartitionResult>
  /** Where the processor's time goes in it: of what has not met its goal. */
  profile?(context: GoalContext, sizes: PartitionSizes): Promise<readonly Scene[]>
}
