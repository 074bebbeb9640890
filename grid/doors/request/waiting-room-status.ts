/** How one line stands, at one waiting room. */
export interface LineStatus {
  readonly waiting: number
  /** Visitors who are inside, as far as it can be told. */
  readonly inside: number
  /** How many may be. */
  readonly insideLimit: number
  /** Whose turn has come within the last 30 s, per second. */
  readonly movedPerSecond: number
  /** Nobody comes in: what the admitted ask is not done just now. */
  readonly isHeld: boolean
  readonly lanes: readonly {
    readonly lane: string
    readonly given: number
    readonly admitted: number
  }[]
  /** What units have told of those inside, since the line was begun. */
  readonly committed: number
  readonly shed: number
  readonly finished: number
}

/** Of the space in which lines are kept, in a waiting room. */
export interface WaitingRoomStatus {
  /** By name of the line. */
  readonly lines: Readonly<Record<string, LineStatus>>
  /** Places that this process has given. */
  readonly joined: number
  /** Visitors who have asked this process how it goes. */
  readonly looked: number
}
