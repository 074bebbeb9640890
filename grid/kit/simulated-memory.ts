import type { Memory } from '../engine/ports/memory.ts'

/** A memory that holds what it is told to hold. */
export class SimulatedMemory implements Memory {
  readonly budgetBytes: number
  /** Share of the budget that is used. */
  share = 0

  constructor(budgetBytes = 64 * 1024 * 1024) {
    this.budgetBytes = budgetBytes
  }

  usedBytes(): number {
    return this.share * this.budgetBytes
  }
}
