import type { HandlerData } from '@spacegrid/grid/core/callback'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import type { Recorder } from '@spacegrid/grid/core/recorder'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import type { Traceparent } from '@spacegrid/grid/engine/ports/tracing'
import type { Execution } from './execution.ts'
import type { Sent } from './frame-item.ts'
import type { PendingTransaction } from './pending.ts'

export interface AttemptFate {
  /** Whether it has waited so long to be sent that it is given up. */
  late(attempt: SentAttempt): boolean
  decided(attempt: SentAttempt, evaluation: Evaluation): void
  abandoned(attempt: SentAttempt, error?: GridError): void
}

/** One attempt on its way through the log. */
export class SentAttempt implements Sent, PendingTransaction {
  readonly execution: Execution
  readonly record: TransactionRecord
  readonly id: number
  readonly handled: HandlerData
  /** Of its content. */
  readonly bytes: number
  /** Where the steps of each part begin, if the command consists of parts. */
  readonly partBegins: readonly number[] | undefined
  readonly partNames: readonly string[]
  foreseen: Evaluation | undefined
  readonly #fate: AttemptFate

  constructor(
    fate: AttemptFate,
    execution: Execution,
    record: TransactionRecord,
    handled: HandlerData,
    bytes: number,
    { id, partBegins, partNames }: Pick<Recorder, 'id' | 'partBegins' | 'partNames'>,
  ) {
    this.partBegins = partBegins
    this.partNames = partNames
    this.#fate = fate
    this.bytes = bytes
    this.execution = execution
    this.record = record
    this.id = id
    this.handled = handled
  }

  get cancelled(): boolean {
    return this.execution.over || this.#fate.late(this)
  }

  get trace(): Traceparent | undefined {
    return this.execution.trace
  }

  decided(evaluation: Evaluation): void {
    this.#fate.decided(this, evaluation)
  }

  abandoned(error?: GridError): void {
    this.#fate.abandoned(this, error)
  }
}
