/** As waiting rooms tell of a line, as far as it is shown. */
export interface LineFigures {
  readonly waiting: number
  readonly inside: number
  readonly insideLimit: number
  readonly movedPerSecond: number
  /** Nobody comes in for now. */
  readonly isHeld: boolean
}
