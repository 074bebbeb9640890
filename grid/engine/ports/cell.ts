/** A value as it was found, and which of all that were ever there it is. */
export interface CellValue {
  readonly data: Uint8Array
  readonly revision: number
}

/**
 * One durable value that several processes change: each change names the revision that it replaces,
 * so of two at the same time one is refused.
 */
export interface Cell {
  /** undefined: nothing has ever been written. @throws GridError `log_unavailable` */
  read(): Promise<CellValue | undefined>
  /**
   * @param replaces the revision that must still be there; 0: there must be none
   * @returns its own revision
   * @throws GridError `fenced` when another one is there by now; `log_unavailable`: nobody knows
   * whether it was written
   */
  write(data: Uint8Array, replaces: number): Promise<number>
}
