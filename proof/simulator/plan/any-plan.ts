import { type DividedPlan, dividedWorkload } from '../divided/plan.ts'
import type { Plan } from './plan.ts'

/** Of a grid with one log, or of one with several partitions. */
export type AnyPlan = Plan | DividedPlan

export const isDivided = (plan: AnyPlan): plan is DividedPlan => plan.workload === dividedWorkload
