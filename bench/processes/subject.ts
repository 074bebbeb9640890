/**
 * One unit of work. `turn` counts up, so that an operation can spread over its keys. One that gives
 * no promise is done when it returns; one that fails is counted, and the work goes on.
 */
export type Operation = (turn: number) => unknown

/**
 * Something that is measured, opened in a process of its own so that no two share a heap or a
 * thread. A module that exports `open(options): Promise<Subject>` can be started with
 * `RunningSubject`.
 */
export interface Subject {
  readonly operations: Readonly<Record<string, Operation>>
  /**
   * Attempts beyond the first one of every operation, since it was opened. Default: there are none.
   */
  readonly retries?: () => number
  /** What is done once, with an answer: setting the stage, or a figure that is no rate. */
  readonly requests?: Readonly<Record<string, (...parameters: never[]) => unknown>>
  close(): Promise<void>
}

export interface RunSettings {
  /** Closed loop: so many at a time, each waiting for its answer. */
  readonly inFlight: number
  /**
   * Open loop instead: so many each second, at random moments, whether earlier ones have been
   * answered or not.
   */
  readonly rate?: number
  readonly ms: number
  /** The same before, not counted. */
  readonly warmupMs: number
}

export interface RunResult {
  readonly operations: number
  /** Ended with an error; not among the operations. */
  readonly failed: number
  /** What the first of them said. */
  readonly failure?: string
  readonly retries: number
  readonly elapsedMs: number
  readonly perSecond: number
  /** ms; of operations without a promise: the mean of batches. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}
