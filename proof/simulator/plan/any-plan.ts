import { type DividedPlan, dividedWorkload } from '../divided/plan.ts'
import { type ReactingPlan, reactingWorkload } from '../reacting/plan.ts'
import type { Plan } from './plan.ts'

/** Of a grid with one log, of one with several partitions, or of one with spaces that react. */
export type AnyPlan = Plan | DividedPlan | ReactingPlan

export const isDivided = (plan: AnyPlan): plan is DividedPlan => plan.workload === dividedWorkload

export const isReacting = (plan: AnyPlan): plan is ReactingPlan =>
  plan.workload === reactingWorkload
