import { type GridError, isGridError, Rejection } from '../errors.ts'
import type { Transaction } from '../space/definition.ts'
import type { Evaluation } from '../space/evaluation.ts'
import type { Recorder } from '../space/recorder.ts'
import { fillSlots, type Slots, type TransactionRecord } from '../space/steps.ts'

/** What a unit is asked to run. */
export interface Work {
  readonly run: (tx: Transaction) => unknown
  /** Makes the caller's result of the handler's data, outcomes filled in. */
  readonly answer: (data: unknown) => unknown
  /** Log time, ms, before which it must not apply; 0: any time. */
  readonly notBefore: number
}

/** A command on its way: executed when it was started, decided when it is melded. */
export class StartedCommand<Result = unknown> {
  readonly work: Work
  /** Times it has been executed: more than once after collisions. */
  attempts = 0
  #outcome: { readonly data: unknown } | { readonly error: GridError } | undefined

  constructor(work: Work) {
    this.work = work
  }

  get settled(): boolean {
    return this.#outcome !== undefined
  }

  /**
   * What the caller is answered.
   * @throws Rejection; GridError `contended` or what the handler has thrown; Error while it has not been melded
   */
  result(): Result {
    if (!this.#outcome) throw new Error('the command has not been melded yet')
    if ('error' in this.#outcome) throw this.#outcome.error
    return this.work.answer(this.#outcome.data) as Result
  }

  succeed(data: unknown): void {
    this.#outcome = { data }
  }

  fail(error: GridError): void {
    this.#outcome = { error }
  }
}

/** One execution of a command. A refusal is melded too, without steps: it stands only if what it was founded on is committed. */
export class Attempt {
  readonly command: StartedCommand
  readonly record: TransactionRecord
  readonly #data: unknown
  readonly #slots: Slots = {}
  readonly #refusal: GridError | undefined

  constructor(command: StartedCommand, recorder: Recorder, number: number) {
    this.command = command
    command.attempts++
    const { run, notBefore } = command.work
    try {
      const returned: unknown = run(recorder)
      if (returned instanceof Promise) throw new TypeError('handlers must be synchronous')
      const { data, slots } = recorder.slots(returned)
      this.#data = data
      this.#slots = slots
    } catch (error) {
      // Anything else is a mistake in the handler: the test shall see it where it happens.
      if (!isGridError(error)) throw error
      this.#refusal = error
    }
    const { reads, ranges } = recorder
    const steps = this.#refusal ? [] : recorder.steps
    const events = this.#refusal ? [] : recorder.events
    this.record = { number, reads, ranges, steps, events, notBefore }
  }

  decide(evaluation: Evaluation): void {
    if (evaluation.outcome === 'collided') return
    if (evaluation.outcome === 'refused')
      this.command.fail(new Rejection(evaluation.reason, evaluation.details))
    else if (this.#refusal) this.command.fail(this.#refusal)
    else this.command.succeed(fillSlots(this.#data, this.#slots, evaluation.outcomes))
  }
}
