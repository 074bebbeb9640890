import { ApplicationFault, type Callback } from '@spacegrid/grid/core/application-fault'
import type { HandlerData } from '@spacegrid/grid/core/callback'
import { type GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import type { Taken } from '@spacegrid/grid/core/outcomes'
import type { Recorder } from '@spacegrid/grid/core/recorder'
import { fillSlots, noSlots, type TransactionRecord } from '@spacegrid/grid/core/steps'
import type { FaultDesk } from '@spacegrid/runtime/fault-desk'

/** What a unit is asked to run. */
export interface Work {
  readonly callback: Callback
  readonly run: (recorder: Recorder) => HandlerData
  readonly answering: Callback
  /** Makes the caller's result of the handler's data, outcomes filled in. */
  readonly answer: (data: unknown, taken: Taken | undefined) => unknown
  /** Log time, ms, before which it must not apply; 0: any time. */
  readonly notBefore: number
  /** Of its partition key; undefined: it has none. */
  readonly hash: number | undefined
}

type Outcome = { readonly result: unknown } | { readonly error: GridError }

/** A command on its way: executed when it was started, decided when it is melded. */
export class StartedCommand<Result = unknown> {
  /** @internal */
  readonly work: Work
  /** Times it has been executed: more than once after collisions. */
  attempts = 0
  #outcome: Outcome | undefined

  /** @internal */
  constructor(work: Work) {
    this.work = work
  }

  get settled(): boolean {
    return this.#outcome !== undefined
  }

  /** What its caller is told instead of an answer, if that is known already. */
  get failure(): GridError | undefined {
    return this.#outcome && 'error' in this.#outcome ? this.#outcome.error : undefined
  }

  /**
   * What the caller is answered.
   * @throws Rejection; GridError `contended`; ApplicationFault for what is wrong in the handler;
   * Error while it has not been melded
   */
  result(): Result {
    if (!this.#outcome) throw new Error('the command has not been melded yet')
    if ('error' in this.#outcome) throw this.#outcome.error
    return this.#outcome.result as Result
  }

  /** @internal */
  succeed(result: unknown): void {
    this.#outcome = { result }
  }

  /** @internal */
  fail(error: GridError): void {
    this.#outcome = { error }
  }
}

/**
 * One execution of a command. A refusal is melded too, without steps: it stands only if what it was
 * founded on is committed.
 */
export class Attempt {
  readonly command: StartedCommand
  readonly record: TransactionRecord
  readonly #handled: HandlerData | GridError
  readonly #faults: FaultDesk

  /** Executes a command; undefined when its handler is wrong, which its caller is told at once. */
  static of(
    command: StartedCommand,
    recorder: Recorder,
    number: number,
    faults: FaultDesk,
  ): Attempt | undefined {
    command.attempts++
    try {
      return new Attempt(command, recorder, number, faults, command.work.run(recorder))
    } catch (thrown) {
      const error = faults.judge(command.work.callback, thrown)
      if (!(error instanceof ApplicationFault))
        return new Attempt(command, recorder, number, faults, error)
      command.fail(error)
      return undefined
    }
  }

  private constructor(
    command: StartedCommand,
    { reads, ranges, steps, events }: Recorder,
    number: number,
    faults: FaultDesk,
    handled: HandlerData | GridError,
  ) {
    this.command = command
    this.#handled = handled
    this.#faults = faults
    const { notBefore } = command.work
    this.record =
      'slots' in handled
        ? { number, reads, ranges, steps, events, notBefore }
        : { number, reads, ranges, steps: [], events: [], notBefore }
  }

  /** Its handler has refused it. */
  get refused(): boolean {
    return !('slots' in this.#handled)
  }

  decide(evaluation: Evaluation): void {
    const { command } = this
    const handled = this.#handled
    if (evaluation.outcome === 'collided') return
    if (evaluation.outcome === 'refused')
      command.fail(new Rejection(evaluation.reason, evaluation.details))
    else if ('slots' in handled) this.#answer(handled, evaluation.outcomes)
    else command.fail(handled)
  }

  #answer({ data, slots, taken }: HandlerData, outcomes: readonly unknown[]): void {
    const { answer, answering } = this.command.work
    try {
      const whole = slots === noSlots ? data : fillSlots(data, slots, outcomes)
      this.command.succeed(answer(whole, taken))
    } catch (thrown) {
      this.command.fail(this.#faults.judge(answering, thrown))
    }
  }
}
