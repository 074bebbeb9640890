import { noContext } from '@spacegrid/grid/core/access'
import { type HandlerData, runHandler } from '@spacegrid/grid/core/callback'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { contentBytes } from '@spacegrid/grid/core/growth'
import { unmarkTaken } from '@spacegrid/grid/core/outcomes'
import { type Place, placedHash } from '@spacegrid/grid/core/place'
import { PlacedRecorder } from '@spacegrid/grid/core/placed-recorder'
import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import {
  type FollowUp,
  fillSlots,
  type HoldFate,
  noSlots,
  type RememberStep,
  StepKind,
  type TransactionRecord,
} from '@spacegrid/grid/core/steps'
import { absentVersion, transactionId } from '@spacegrid/grid/core/version'
import type { Admission } from '../admission.ts'
import { type Answers, callbackOf } from '../answers.ts'
import { evaluationFault } from '../evaluation-fault.ts'
import { Execution } from '../execution.ts'
import type { Sent } from '../frame-item.ts'
import { asRemembered, checkSameCommand, rememberStep } from '../idempotency.ts'
import { asApplication } from '../origin.ts'
import type { PendingTransaction, PendingTransactions } from '../pending.ts'
import type { RunnerParts } from '../runner-parts.ts'
import type { UnitOptions } from '../unit-options.ts'
import type { HoldWaiters } from './hold-waiters.ts'
import { PartGroup } from './part-group.ts'
import type {
  CommitAsked,
  DecideAsked,
  FinishAsked,
  Followed,
  ForgetAsked,
  MadeAnswer,
  PartOperation,
  PrepareAsked,
  ReleasedAsked,
  TurnAsked,
  TurnEnded,
  Vote,
} from './part-messages.ts'
import { Turns } from './turns.ts'

export interface PartRunnerParts extends RunnerParts {
  readonly space: Space
  readonly place: Place
  readonly pending: PendingTransactions
  readonly admission: Admission
  readonly answers: Answers
  readonly waiters: HoldWaiters
}

/** Times the parts of one attempt run anew here, because what they read has changed. */
const rerunsMax = 16

/** One prepare that is asked for, until its vote is known. */
interface Preparing {
  readonly asked: PrepareAsked
  readonly group: PartGroup
  /** Monotonic ms. */
  readonly until: number
  readonly waitUntil: number
  runs: number
  vote(vote: Vote): void
  fail(error: unknown): void
}

/**
 * Does in one partition what the coordinators of commands across partitions ask for: runs parts and
 * prepares what they do, and follows up. Nothing here survives a crash: what is held by then others
 * look after.
 */
export class PartRunner {
  readonly #parts: PartRunnerParts
  readonly #options: UnitOptions
  /** Of all commands of the space, where this is the partition that is asked for them. */
  readonly turns: Turns

  constructor(parts: PartRunnerParts, options: UnitOptions) {
    this.#parts = parts
    this.#options = options
    this.turns = new Turns(parts.clock)
  }

  /** What a coordinator asks, by its name. */
  async part(
    operation: Exclude<PartOperation, 'persisted' | 'newest' | 'cancel' | 'forgetKeys' | 'outbox'>,
    asked: object,
  ): Promise<unknown> {
    switch (operation) {
      case 'prepare':
        return await this.prepare(asked as PrepareAsked)
      case 'decide':
        return await this.decide(asked as DecideAsked)
      case 'finish':
        return await this.finish(asked as FinishAsked)
      case 'forget':
        return await this.forget((asked as ForgetAsked).attempt)
      case 'released': {
        const { attempt, withinMs } = asked as ReleasedAsked
        return await this.released(attempt, withinMs)
      }
      case 'turn': {
        const { id, keys, withinMs } = asked as TurnAsked
        return await this.turns.take(id, keys, withinMs)
      }
      case 'endTurn':
        return this.turns.end((asked as TurnEnded).id)
    }
  }

  /**
   * @throws GridError as `Serving.execute`: then nothing is held, and nothing will be, but for
   * `outcome_unknown`
   */
  prepare(asked: PrepareAsked): Promise<Vote> {
    return new Promise((resolve, reject) => {
      const { clock, space, admission } = this.#parts
      const group = new PartGroup(space, asked.command, asked.parts)
      const { withinMs, waitMsMax = withinMs } = asked
      const now = clock.monotonic()
      admission.enter(group.command, undefined, withinMs, now)
      const [until, waitUntil] = [now + withinMs, now + Math.min(withinMs, waitMsMax)]
      this.#run({ asked, group, until, waitUntil, runs: 0, vote: resolve, fail: reject })
    })
  }

  #run(it: Preparing): void {
    try {
      if (this.#parts.clock.monotonic() >= it.until || ++it.runs > rerunsMax)
        it.vote({ vote: 'no' })
      else if (!this.#replay(it)) this.#attempt(it)
    } catch (error) {
      it.fail(error)
    }
  }

  /** The rule `key`: it is read in the coordinator's partition, and remembered there. */
  #replay(it: Preparing): boolean {
    const { remembers, command } = it.asked
    const entry = remembers && this.#parts.state.find(idempotencyCacheNumber, remembers.key)
    if (!entry) return false
    const remembered = asRemembered(entry.value)
    checkSameCommand(remembered, command, remembers.input)
    const { position, version } = entry
    const { data, taken } = unmarkTaken(remembered.data)
    const { input } = it.asked
    this.#answer({ command, input, data, taken, remembers }, position, version).then(
      (answer) => it.vote({ vote: 'replayed', answer, position }),
      (error) => it.fail(error),
    )
    return true
  }

  #attempt(it: Preparing): void {
    const { chain, pending, time, state, random, place, version, faults } = this.#parts
    const { outbox, archive } = this.#parts
    const { asked, group } = it
    const number = chain.nextNumber()
    const id = transactionId(chain.origin, number)
    const recorder = new PlacedRecorder(pending, {
      id,
      now: Math.max(time.now(), state.time),
      newId: () => random.id(),
      limits: this.#options.transaction,
      number,
      outbox,
      reasons: group.command.rejections,
      place,
      hash: undefined,
      archive,
    })
    const { remembers } = asked
    if (remembers) recorder.read(idempotencyCacheNumber, remembers.key, absentVersion)
    try {
      const context = asked.caller ? { caller: asked.caller } : noContext
      const handled = asApplication(
        runHandler,
        group.command,
        recorder,
        undefined,
        version,
        context,
      )
      if (this.#mustLookUp(it, recorder)) return
      this.#send(it, recorder, number, id, handled)
    } catch (thrown) {
      if (this.#mustLookUp(it, recorder)) return
      const error = faults.judge(callbackOf('command', group.command), thrown)
      if (!(error instanceof Rejection)) throw error
      this.#refuse(it, recorder, error)
    }
  }

  /** What it took for missing may have left memory: it runs again when that is known. */
  #mustLookUp(it: Preparing, { unknown }: PlacedRecorder): boolean {
    if (unknown.length === 0) return false
    this.#parts.archive.lookUp(unknown).then(
      () => this.#run(it),
      (error) => it.fail(error),
    )
    return true
  }

  /** A part says no: told when everything that was read is committed where the log stands then. */
  #refuse(
    it: Preparing,
    { reads, ranges, partBegins }: PlacedRecorder,
    { reason, details, step }: Rejection,
  ): void {
    const part = it.group.partOf(partBegins, step)
    this.#parts.chain.check({
      reads,
      ranges,
      confirmed: (valid) => {
        if (valid) it.vote({ vote: 'refused', part, reason, details })
        else this.#again(it, this.#parts.waiters.inTheWay({ reads, ranges, steps: [] }))
      },
      abandoned: (error) => (error ? it.fail(error) : this.#again(it, undefined)),
    })
  }

  #send(
    it: Preparing,
    recorder: PlacedRecorder,
    number: number,
    id: number,
    handled: HandlerData,
  ): void {
    const { asked } = it
    const { attempt, partition, coordinator, participants, notAfter, remembers, command } = asked
    const { reads, ranges, steps, events } = recorder
    const hold = { attempt, partition, coordinator, participants, notAfter, key: remembers?.key }
    const record = { number, reads, ranges, steps, events, notBefore: 0, command, hold }
    const other = this.#parts.waiters.inTheWay(record)
    if (other !== undefined) this.#again(it, other)
    else
      this.#follow(
        record,
        id,
        recorder.bytes + contentBytes(asked.parts.map(({ input }) => input)),
        {
          decided: (evaluation) => this.#decided(it, handled, recorder.partBegins, evaluation),
          abandoned: (error) => (error ? it.fail(error) : this.#again(it, undefined)),
        },
      )
  }

  #decided(
    it: Preparing,
    { data, slots, taken }: HandlerData,
    begins: readonly number[] | undefined,
    evaluation: Evaluation,
  ): void {
    const { position } = this.#parts.state
    if (evaluation.outcome === 'applied') {
      const filled = fillSlots(data, slots, evaluation.outcomes)
      it.vote({ vote: 'yes', data: filled, taken, position })
    } else if (evaluation.outcome === 'collided') this.#again(it, evaluation.hold)
    else {
      const fault = evaluationFault(it.asked.command, evaluation)
      const { reason, details, step = 0 } = evaluation
      const part = it.group.partOf(begins, step)
      if (fault) it.fail(fault)
      else it.vote({ vote: 'refused', part, reason, details })
    }
  }

  /** Runs once more: at once, or when what is held has been let go, if that may be waited for. */
  #again(it: Preparing, hold: string | undefined): void {
    const { clock, waiters } = this.#parts
    if (hold === undefined) {
      clock.soon(() => this.#run(it))
      return
    }
    const leftMs = it.waitUntil - clock.monotonic()
    if (!it.asked.mayWait || leftMs <= 0) {
      it.vote({ vote: 'no', hold })
      return
    }
    it.runs = 0
    const end = waiters.waitForEnd(hold, () => {
      timer.cancel()
      this.#run(it)
    })
    const timer = clock.after(leftMs, () => {
      end()
      it.vote({ vote: 'no', hold })
    })
  }

  /** Resolves once the attempt holds nothing here, true; or false when that takes too long. */
  released(attempt: string, withinMs: number): Promise<boolean> {
    const { clock, state, waiters } = this.#parts
    if (!state.holds.find(attempt)) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = waiters.wait(attempt, () => {
        timer.cancel()
        resolve(true)
      })
      const timer = clock.after(withinMs, () => {
        end()
        resolve(false)
      })
    })
  }

  async decide(asked: DecideAsked): Promise<Followed> {
    const { attempt, verdict, asked: byOthers, notAfter, commit } = asked
    const remember = verdict === 'commit' && commit ? this.#remember(commit) : undefined
    const followed = await this.#followUp({
      kind: StepKind.decide,
      attempt,
      verdict,
      asked: byOthers,
      notAfter,
      remember,
    })
    const { fate, position, id } = followed
    if (fate !== 'commit' || !commit) return { fate, position }
    return { fate, position, answer: await this.#answer(commit, position, id) }
  }

  finish({ attempt, verdict }: FinishAsked): Promise<Followed> {
    return this.#followUp({ kind: StepKind.finish, attempt, verdict })
  }

  forget(attempt: string): Promise<Followed> {
    return this.#followUp({ kind: StepKind.forget, attempt })
  }

  /** Sent again until the log has decided it: doing it twice changes nothing. */
  #followUp(step: FollowUp): Promise<Followed & { readonly id: number }> {
    const { chain, state, waiters } = this.#parts
    const { attempt } = step
    const ends = step.kind === StepKind.finish || (step.kind === StepKind.decide && !step.asked)
    return new Promise<Followed & { readonly id: number }>((resolve, reject) => {
      const send = () => {
        if (!chain.joined) {
          reject(new GridError('not_ready', 'The processing unit is joining the log'))
          return
        }
        const number = chain.nextNumber()
        const id = transactionId(chain.origin, number)
        const steps = [step]
        const record = { number, reads: [], ranges: [], steps, events: [], notBefore: 0 }
        this.#follow(record, id, 0, {
          decided: (evaluation) => {
            if (evaluation.outcome !== 'applied')
              reject(new GridError('internal', `What follows up ${attempt} is not sound`))
            else {
              const fate = evaluation.outcomes[0] as HoldFate
              resolve({ fate, position: state.position, id })
            }
          },
          abandoned: (error) => (error ? reject(error) : this.#parts.clock.soon(send)),
        })
        if (ends) waiters.ends(attempt)
      }
      send()
    }).finally(() => waiters.ended(attempt))
  }

  #follow(
    record: TransactionRecord,
    id: number,
    written: number,
    fate: Pick<Sent, 'decided' | 'abandoned'>,
  ): void {
    const { pending, admission, chain } = this.#parts
    // Whoever follows up makes room.
    const bytes = written === 0 ? 0 : admission.admit(record, written, 0)
    const sent: Sent & PendingTransaction = {
      ...{ record, id, foreseen: undefined, cancelled: false, bytes },
      decided: (evaluation) => {
        pending.decided(sent, evaluation)
        admission.settled(bytes)
        fate.decided(evaluation)
      },
      abandoned: (error) => {
        pending.remove(sent)
        admission.settled(bytes)
        fate.abandoned(error)
      },
    }
    pending.add(sent)
    chain.send(sent)
  }

  #remember({ command, input, data, taken, remembers }: CommitAsked): RememberStep | undefined {
    if (!remembers) return undefined
    const { time, state } = this.#parts
    const { key, input: fingerprint } = remembers
    const handled = { data, slots: noSlots, ...(taken ? { taken } : {}) }
    const expiresAt = Math.max(time.now(), state.time) + this.#options.idempotencyMs
    const hash = this.#hashOf(command, input)
    return rememberStep({ key, command, input: fingerprint, expiresAt }, handled, hash)
  }

  /** Of the first part's partition key: the key is remembered where that is. */
  #hashOf(name: string, input: unknown): number | undefined {
    const [first] = this.#parts.space.commands.get(name)?.parts?.(input) ?? []
    const by = first?.command.partitionBy
    return first && by && placedHash(this.#parts.place, by, first.input, first.command.name)
  }

  /** What the caller is told, made where the command's log is. */
  async #answer(
    { command: name, input, data, taken }: CommitAsked,
    position: number,
    version: number,
  ): Promise<MadeAnswer> {
    const { space, answers, clock } = this.#parts
    const command = space.commands.get(name)
    if (!command) throw new GridError('unknown_command', `space ${space.name} has no ${name}`)
    const until = clock.monotonic() + this.#options.commandMsMax
    const made = new Execution(command, input, until)
    answers.give(made, data, { position, version }, false, taken)
    try {
      const { result } = await made.answered
      return { result, version }
    } catch (error) {
      if (!isGridError(error)) throw error
      const { code, message, details } = error
      return { failure: { code, message, details } }
    }
  }
}
