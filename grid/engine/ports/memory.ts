/**
 * The memory of the process. What it holds is what lives: garbage takes room only until it is
 * collected.
 */
export interface Memory {
  /** Bytes the process may hold. */
  readonly budgetBytes: number
  /**
   * Bytes it holds, never told too low while it matters: far below the budget everything in use
   * counts, garbage included; near it what has outlived the last collection.
   */
  usedBytes(): number
}
