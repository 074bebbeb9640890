import type { Space } from '@spacegrid/grid/core/definition'
import type { Progress } from '../recover/exact-copies.ts'
import type { MovePlan } from './move-plan.ts'

/** A stopped space that is moved to another number of partitions, wherever it is kept. */
export interface SpaceMove {
  readonly kind: 'servers' | 'embedded'
  /**
   * Looks whether the space can be moved, and reads all of it. undefined: it has so many partitions
   * already.
   * @param definition as the application has it, with whatever number
   * @throws Refused; GridError `definition_conflict`, `record_damaged`
   */
  plan(definition: Space, to: number, progress: Progress): Promise<MovePlan | undefined>
  /** Does it. May be killed at any point: planned and carried out again it goes on. */
  carryOut(plan: MovePlan, progress: Progress): Promise<void>
  close(): Promise<void>
}
