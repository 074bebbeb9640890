import type { HandlerData } from '@spacegrid/grid/core/callback'
import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { contentBytes } from '@spacegrid/grid/core/growth'
import type { Recorder } from '@spacegrid/grid/core/recorder'
import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { fillSlots, noSlots, type TransactionRecord } from '@spacegrid/grid/core/steps'
import { absentVersion } from '@spacegrid/grid/core/version'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { HoldWaiters } from './across/hold-waiters.ts'
import { PartRunner } from './across/part-runner.ts'
import { type Admission, BoundedAdmission, type UnitCondition } from './admission.ts'
import { Answers } from './answers.ts'
import type { ArchiveDesk } from './archive/archive-desk.ts'
import type { Execution } from './execution.ts'
import { ExecutionTurns } from './execution-turns.ts'
import type { FrameChain } from './frame-chain.ts'
import { type Attempt, HandlerRuns } from './handler-runs.ts'
import { isReactionKey, refusedCommand } from './idempotency.ts'
import { lateExecution } from './late-execution.ts'
import { OpenExecutions } from './open-executions.ts'
import type { LoadControl } from './overload/load-control.ts'
import { PendingTransactions } from './pending.ts'
import { refusalOf } from './refusal-of.ts'
import { answersFor, Retries } from './retries.ts'
import type { RunnerParts } from './runner-parts.ts'
import { type AttemptFate, SentAttempt } from './sent-attempt.ts'
import type { UnitOptions } from './unit-options.ts'

/**
 * Executes commands over the replica and its pending transactions, and follows each until its
 * caller can be told: applied, refused, or run again after a collision, a bounded number of times.
 * Refusals and commands that only read are answered once the log has passed the point at which they
 * ran and everything they read is committed there (a check that travels with the frames), so they
 * are as strictly serializable as the rest. Nothing here survives a crash: callers that hear
 * nothing ask again with their idempotency key.
 */
export class CommandRunner implements UnitCondition {
  readonly #state: SpaceState
  readonly #chain: FrameChain
  readonly #clock: Clock
  readonly #options: UnitOptions
  readonly #pending: PendingTransactions
  readonly #answers: Answers
  readonly #handlers: HandlerRuns
  readonly #retries: Retries
  readonly #archive: ArchiveDesk
  readonly #fate: AttemptFate
  readonly #load: LoadControl
  readonly #open = new OpenExecutions()
  readonly #turns: ExecutionTurns
  #rerunning = false
  collisions = 0
  /** Told of each command that has to run again because it has collided. */
  whenCollided: ((command: AnyCommand, input: unknown) => void) | undefined
  answered = 0
  /** Why commands have no chance just now. */
  readonly unfit: () => GridError | undefined
  /** Of all that this unit sends: commands, and what its expirer ends. */
  readonly admission: Admission
  /** Those that wait for what commands across partitions hold. */
  readonly waiters: HoldWaiters
  /** What those commands do here; undefined in a space that is not divided. */
  readonly parts: PartRunner | undefined

  constructor(parts: RunnerParts, options: UnitOptions) {
    const { state, chain, clock, time, faults, version, unfit, place, archive } = parts
    const { memory, load } = parts
    this.#load = load
    this.#archive = archive
    this.#state = state
    this.#chain = chain
    this.#clock = clock
    this.#options = options
    this.#pending = new PendingTransactions(state)
    this.#handlers = new HandlerRuns(this.#pending, parts, options)
    this.#answers = new Answers(clock, faults, version, options.positionWaitMsMax)
    this.#retries = new Retries({ state, time, answers: this.#answers }, options)
    this.unfit = unfit
    const seen = { condition: this, view: this.#pending, memory, load }
    this.admission = new BoundedAdmission(seen, options)
    this.waiters = new HoldWaiters(state)
    this.#turns = new ExecutionTurns(clock, (execution, begun) => this.#run(execution, begun))
    if (place) {
      const { admission, waiters } = this
      const own = { pending: this.#pending, answers: this.#answers, admission, waiters, place }
      this.parts = new PartRunner({ ...parts, ...own }, options)
    } else this.parts = undefined
    this.#fate = {
      late: ({ execution }) => this.#givenUp(execution),
      decided: (attempt, evaluation) => this.#decided(attempt, evaluation),
      abandoned: (attempt, error) => {
        this.#pending.remove(attempt)
        this.admission.settled(attempt.bytes)
        this.#turns.ended(attempt)
        this.#abandoned(attempt.execution, error)
      },
    }
  }

  #decided(attempt: SentAttempt, evaluation: Evaluation): void {
    const { execution } = attempt
    this.#pending.decided(attempt, evaluation)
    this.admission.settled(attempt.bytes)
    this.#turns.ended(attempt)
    if (evaluation.outcome === 'applied') this.#applied(attempt, evaluation.outcomes)
    else if (evaluation.outcome === 'refused')
      this.#refused(execution, refusalOf(attempt, evaluation))
    else {
      this.collisions++
      this.whenCollided?.(execution.command, execution.input)
      this.#runAgain(execution, evaluation.hold)
    }
  }

  /** That a reaction's command is refused is written down before anybody hears of it. */
  #refused(execution: Execution, error: GridError): void {
    if (error instanceof Rejection && isReactionKey(execution.idempotencyKey)) {
      execution.refusal = error
      this.#turns.again(execution)
    } else execution.fail(error)
  }

  /** When the frame is done; or, if something that it needs is held, when that is let go. */
  #runAgain(execution: Execution, hold: string | undefined): void {
    // What it was refused for may have changed.
    execution.refusal = undefined
    if (hold === undefined) {
      this.#turns.again(execution)
      return
    }
    execution.waitsFor = hold
    const end = this.waiters.waitForEnd(hold, () => {
      execution.waitsFor = undefined
      this.#turns.again(execution)
      this.#rerunSoon()
    })
    execution.answered.then(end, end)
  }

  /** Nothing may be melded for a while. */
  #rerunSoon(): void {
    if (this.#rerunning) return
    this.#rerunning = true
    this.#clock.soon(() => {
      this.#rerunning = false
      this.rerun()
    })
  }

  /**
   * Commands without an outcome: those whose callers wait, and those whose callers have been told
   * something already.
   */
  get pendingCount(): number {
    return Math.max(
      this.#open.size + this.#retries.followers,
      this.#pending.size,
      this.#chain.backlog,
    )
  }

  /** Of them, those that are sent to the log when this turn ends. */
  get gatheredCount(): number {
    return this.#chain.gathered
  }

  /** Commands that wait for what others hold, or for their turn to come. */
  get waiting(): number {
    return this.waiters.size + (this.parts?.turns.waiting ?? 0)
  }

  /** Starts an execution at `begun`, which is now; it answers through `execution.answered`. */
  start(execution: Execution, begun: number): void {
    const same = this.#open.withKey(execution.idempotencyKey)
    if (same && answersFor(same, execution)) {
      this.#retries.follow(execution, same)
      return
    }
    this.#open.add(execution)
    execution.onceSettled(this.#forget)
    this.#turns.take(execution, begun)
  }

  /** Resolves with the position once everything stored by now is in the replica. */
  barrier(): Promise<number> {
    if (this.#chain.backlog >= this.#options.pendingMax)
      return Promise.reject(
        new GridError('overloaded', 'Too much waits to be sent to the log', {
          retryAfterMs: 1000,
        }),
      )
    return new Promise((resolve, reject) => {
      this.#chain.check({
        reads: [],
        ranges: [],
        confirmed: () => resolve(this.#state.position),
        abandoned: (error) => (error ? reject(error) : this.barrier().then(resolve, reject)),
      })
    })
  }

  /** Resolves once everything that is open now has been answered. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#open.all().map(({ answered }) => answered))
  }

  /** Another unit's write. */
  changedElsewhere(cache: number, key: string): void {
    this.#pending.changed(cache, key)
  }

  /** A frame has been melded: what collided in it runs on the state behind it. */
  rerun(): void {
    this.waiters.melded()
    this.#turns.rerun()
  }

  /** Tells the callers whose time is up. */
  expire(): void {
    const now = this.#clock.monotonic()
    for (const execution of this.#open.expired(now)) this.#late(execution)
  }

  #late(execution: Execution): void {
    const commandMsMax = this.#chain.joined ? this.#options.commandMsMax : 0
    execution.fail(lateExecution(execution, commandMsMax))
  }

  #givenUp(execution: Execution): boolean {
    const { cameAt, attempts, command } = execution
    if (cameAt === 0 || attempts > 1 || execution.done || !this.#load.isLate(cameAt, this))
      return false
    execution.fail(this.#load.late(command, this))
    return true
  }

  /** Fails everything that is open. */
  close(error: GridError): void {
    const unknown = new GridError('outcome_unknown', error.message, { cause: error })
    for (const execution of this.#open.all()) execution.fail(execution.sent ? unknown : error)
  }

  readonly #forget = (execution: Execution): void => {
    this.#open.delete(execution)
    this.answered++
  }

  #run(execution: Execution, begun: number): void {
    if (execution.over) return
    // Nobody waits for it any more.
    if (execution.deadline <= begun && !execution.done) {
      this.#late(execution)
      return
    }
    if (!this.#chain.joined) {
      this.#turns.again(execution)
      return
    }
    if (this.#turns.waitsBehindLong(execution)) return
    if (++execution.attempts > this.#options.attemptsMax) {
      const message = `${execution.command.name} collided ${this.#options.attemptsMax} times`
      execution.fail(new GridError('contended', message, { retryAfterMs: 100 }))
      return
    }
    try {
      if (this.#retries.replay(execution)) return
      this.#attempt(execution, begun)
    } catch (error) {
      execution.fail(
        isGridError(error)
          ? error
          : new GridError('internal', `The handler of ${execution.command.name} failed`, {
              cause: error,
            }),
      )
    }
  }

  #attempt(execution: Execution, begun: number): void {
    const recorder = this.#handlers.recorder(execution, begun)
    const key = execution.idempotencyKey
    if (key !== undefined) recorder.read(idempotencyCacheNumber, key, absentVersion)
    const attempt: Attempt = execution.refusal
      ? { kind: 'rejection', rejection: execution.refusal }
      : this.#handlers.run(execution, recorder)
    if (attempt.kind === 'transaction') this.#send(execution, recorder, attempt.handled)
    else if (attempt.kind === 'unknown') this.#lookUp(execution, recorder)
    else if (attempt.kind === 'rejection' && isReactionKey(key))
      this.#sendRefusal(execution, recorder, attempt.rejection)
    else this.#confirm(execution, recorder, attempt)
  }

  #lookUp(execution: Execution, { unknown }: Recorder): void {
    const again = () => this.#turns.take(execution)
    this.#archive.lookUp(unknown).then(again, (error: GridError) => execution.fail(error))
  }

  #send(execution: Execution, recorder: Recorder, handled: HandlerData): void {
    const { number, reads, ranges, events } = recorder
    let { steps, bytes: written } = recorder
    if (execution.idempotencyKey !== undefined) {
      steps = [...steps, this.#retries.remember(execution, handled)]
      written += execution.idempotencyKey.length + contentBytes(handled.data)
    }
    const { name: command } = execution.command
    const record = { number, reads, ranges, steps, events, notBefore: 0, command }
    this.#sendRecord(execution, recorder, record, handled, written)
  }

  /** Of a refusal only that it is one: everything it rests on is validated with it. */
  #sendRefusal(execution: Execution, recorder: Recorder, refusal: Rejection): void {
    const { reason, details } = refusal
    const handled = { data: { reason, details }, slots: noSlots }
    const { number, reads, ranges } = recorder
    const remember = this.#retries.remember(
      execution,
      handled,
      refusedCommand(execution.command.name),
    )
    const record = { number, reads, ranges, steps: [remember], events: [], notBefore: 0 }
    execution.refusal = refusal
    this.#sendRecord(execution, recorder, record, handled, contentBytes(handled.data))
  }

  #sendRecord(
    execution: Execution,
    recorder: Recorder,
    record: TransactionRecord,
    handled: HandlerData,
    written: number,
  ): void {
    const hold = this.waiters.inTheWay(record)
    if (hold !== undefined) {
      this.#runAgain(execution, hold)
      return
    }
    const bytes = this.admission.admit(record, written, execution.inputBytes)
    const attempt = new SentAttempt(this.#fate, execution, record, handled, bytes, recorder)
    this.#pending.add(attempt)
    this.#turns.sent(attempt)
    execution.sent = true
    this.#chain.send(attempt)
    if (execution.acknowledge === 'accepted') this.#accept(attempt)
  }

  #accept(attempt: SentAttempt): void {
    const foreseen = this.#pending.foresee(attempt)
    // A foreseen refusal is not told: the transaction is on its way, and may still be applied where
    // it lands.
    if (foreseen.outcome === 'applied') this.#applied(attempt, foreseen.outcomes)
  }

  #applied({ execution, handled, id }: SentAttempt, outcomes: readonly unknown[]): void {
    if (execution.refusal) {
      execution.fail(execution.refusal)
      return
    }
    const { data, slots, taken } = handled
    const whole = fillSlots(data, slots, outcomes)
    const from = { position: this.#state.position, version: id, replayed: false }
    this.#answers.give(execution, whole, from, slots === noSlots, taken)
  }

  #confirm(
    execution: Execution,
    recorder: Recorder,
    attempt: Exclude<Attempt, { kind: 'transaction' | 'unknown' }>,
  ): void {
    const { reads, ranges } = recorder
    this.#chain.check({
      reads,
      ranges,
      confirmed: (valid) => {
        if (!valid) {
          this.whenCollided?.(execution.command, execution.input)
          this.#runAgain(execution, this.waiters.inTheWay({ reads, ranges, steps: [] }))
        } else if (attempt.kind === 'rejection') execution.fail(attempt.rejection)
        else {
          const { position } = this.#state
          this.#answers.give(execution, attempt.data, { position, version: absentVersion })
        }
      },
      abandoned: (error) => this.#abandoned(execution, error),
    })
  }

  #abandoned(execution: Execution, error: GridError | undefined): void {
    execution.refusal = undefined
    if (error) execution.fail(error)
    else this.#turns.again(execution)
  }
}
