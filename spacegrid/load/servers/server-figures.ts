/** What one process of the grid said of itself at one moment. Absent: it does not say. */
export interface ProcessSample {
  /** Seconds since the run began. */
  readonly at: number
  /** What commands waited before they were sent to the log, at the least; of the worst space. */
  readonly queueingDelayMs?: number
  /** Commands without an outcome, and how many there may be. */
  readonly pending?: number
  readonly limit?: number
  readonly commandsPerSecond?: number
  /** Commands and queries turned away, and transactions that had to run again, per second. */
  readonly shedPerSecond?: number
  readonly collisionsPerSecond?: number
  /** Positions behind the log. */
  readonly lag?: number
  /** 99th percentile of how late the event loop was since it was last asked. */
  readonly eventLoopMs?: number
  /** Processors in use, 1 is one of them. */
  readonly processors?: number
  readonly residentBytes?: number
}

export interface ProcessFigures {
  readonly name: string
  readonly role: string
  readonly samples: readonly ProcessSample[]
  /** Times that it was asked and did not answer in time. */
  readonly unanswered: number
}

/** What the grid's processes said of themselves during a run. */
export interface ServerFigures {
  readonly processes: readonly ProcessFigures[]
  /** Why there is nothing, for people. */
  readonly note?: string
}
