import { ApplicationFault, type Callback } from '@spacegrid/grid/core/application-fault'
import {
  answerOf,
  type HandlerData,
  refusePromise,
  runHandler,
} from '@spacegrid/grid/core/callback'
import type { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { evaluateSteps } from '@spacegrid/grid/core/evaluation'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { Overlay } from '@spacegrid/grid/core/overlay'
import { hashOfStored, type Place } from '@spacegrid/grid/core/place'
import { PlacedRecorder } from '@spacegrid/grid/core/placed-recorder'
import { Recorder } from '@spacegrid/grid/core/recorder'
import { expiryIndex } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { noSlots } from '@spacegrid/grid/core/steps'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { transactionId } from '@spacegrid/grid/core/version'
import { collect, type View } from '@spacegrid/grid/core/view'
import type { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { Attempt, StartedCommand, type Work } from './started-command.ts'

/** What a harness lends its units, of one partition. */
export interface Surroundings {
  readonly space: Space
  readonly state: SpaceState
  /** undefined: the space has only one. */
  readonly place: Place | undefined
  readonly attemptsMax: number
  readonly now: () => number
  readonly newId: () => string
  readonly faults: FaultDesk
  readonly version: Compatibility
  /**
   * Melds at the next position; the attempts are those of the frame's transactions, one for one.
   */
  readonly meld: (frame: Frame, attempts: readonly Attempt[]) => boolean
}

/**
 * What a harness's processing unit does in one partition: executes a command when it is started,
 * melds when it is told to.
 */
export class UnitInPartition {
  readonly name: string
  readonly #surroundings: Surroundings
  /** Log position of its join frame, 0 while it has not joined. */
  #origin = 0
  #frameCount = 0
  #transactionCount = 0
  #pending: Attempt[] = []
  /** What is committed, with what is pending here on top; good as long as nothing is melded. */
  #view: Overlay
  #viewPosition = -1

  constructor(name: string, surroundings: Surroundings) {
    this.name = name
    this.#surroundings = surroundings
    this.#view = new Overlay(surroundings.state)
  }

  get pendingCount(): number {
    return this.#pending.length
  }

  /**
   * Executes a command over what is committed and what this unit has pending; it is melded later.
   * @param hash of its partition key
   */
  start(command: AnyCommand, input: unknown, hash: number | undefined): StartedCommand {
    const started = new StartedCommand(workOf(command, input, hash, this.#surroundings.version))
    this.#execute(started)
    return started
  }

  /**
   * Executes the expiry of every committed entry whose time has come; it is melded later.
   * @throws ApplicationFault when an `onExpire` is wrong
   */
  expire(): void {
    const { space, state, now } = this.#surroundings
    for (const due of dueEntries(space, state, now())) {
      const started = new StartedCommand(expiryOf(due))
      this.#execute(started)
      if (started.failure instanceof ApplicationFault) throw started.failure
    }
  }

  /**
   * Melds what is pending as one frame. What collides runs again on the newer state and is pending
   * again.
   */
  meld(): void {
    const attempts = this.#pending
    if (attempts.length === 0) return
    this.#pending = []
    const frame = this.#frameOf(attempts)
    // An origin that was silent for long has been forgotten: its unit joins again and starts over,
    // as a real one does.
    if (this.#surroundings.meld(frame, attempts)) this.#frameCount++
    else this.#origin = 0
    for (const { command } of attempts) if (!command.settled) this.#execute(command)
  }

  #frameOf(attempts: readonly Attempt[]): Frame {
    return {
      kind: FrameKind.transactions,
      origin: this.#origin,
      id: this.#frameCount + 1,
      previous: this.#frameCount,
      deadline: Number.MAX_SAFE_INTEGER,
      transactions: attempts.map(({ record }) => record),
      parts: 0,
    }
  }

  /** Melds until nothing is pending. */
  settle(): void {
    while (this.#pending.length > 0) this.meld()
  }

  #execute(command: StartedCommand): void {
    const { attemptsMax } = this.#surroundings
    if (command.attempts >= attemptsMax) {
      command.fail(new GridError('contended', `The command has collided ${attemptsMax} times`))
      return
    }
    const attempt = this.#attempt(command, this.#freshView())
    if (!attempt) return
    this.#pending.push(attempt)
    this.#foresee(attempt)
  }

  #attempt(command: StartedCommand, view: View): Attempt | undefined {
    const { faults, now, newId, place } = this.#surroundings
    if (this.#origin === 0) this.#join()
    const number = ++this.#transactionCount
    const options = { id: transactionId(this.#origin, number), now: now(), newId }
    const recorder = place
      ? new PlacedRecorder(view, { ...options, place, hash: command.work.hash })
      : new Recorder(view, options)
    return Attempt.of(command, recorder, number, faults)
  }

  /**
   * Executes a part of a command across partitions over what is committed.
   * @returns what melds it; undefined when it does not apply: `started` says why
   */
  prepare(started: StartedCommand): (() => void) | undefined {
    if (this.#pending.length > 0) throw new Error('what is pending is melded first')
    const { state, meld } = this.#surroundings
    const attempt = this.#attempt(started, state)
    if (!attempt) return undefined
    const id = transactionId(this.#origin, attempt.record.number)
    const evaluation = evaluateSteps(state, attempt.record.steps, id)
    if (attempt.refused || evaluation.outcome !== 'applied') {
      attempt.decide(evaluation)
      return undefined
    }
    return () => {
      if (meld(this.#frameOf([attempt]), [attempt])) this.#frameCount++
      else throw new Error('a unit that has just joined is known to the log')
    }
  }

  #join(): void {
    const { meld, state } = this.#surroundings
    meld({ kind: FrameKind.join, unit: this.name, nonce: 0 }, [])
    this.#origin = state.position
    this.#frameCount = 0
  }

  #freshView(): Overlay {
    const { state } = this.#surroundings
    if (this.#viewPosition !== state.position) {
      this.#viewPosition = state.position
      this.#view = new Overlay(state)
      for (const attempt of this.#pending) this.#foresee(attempt)
    }
    return this.#view
  }

  /** Applies a pending transaction to the view; one that would be refused leaves no trace there. */
  #foresee({ record }: Attempt): void {
    const id = transactionId(this.#origin, record.number)
    const evaluation = evaluateSteps(this.#view, record.steps, id)
    if (evaluation.outcome !== 'applied') return
    for (const { cache, key, value, version } of evaluation.writes)
      this.#view.write(cache, key, value, version)
  }
}

export const workOf = (
  command: AnyCommand,
  input: unknown,
  hash: number | undefined,
  version: Compatibility,
): Work => ({
  callback: { kind: 'command', name: command.name, declared: command },
  run: (recorder) => runHandler(command, recorder, input, version),
  answering: {
    kind: command.answer ? 'answer' : 'command',
    name: command.name,
    declared: command,
  },
  answer: (data, taken) => {
    const result = answerOf(command, version.readTaken(data, taken), false, version, input)
    refusePromise(result)
    return result
  },
  notBefore: 0,
  hash,
})

/** An entry whose time has come. */
export interface DueEntry {
  readonly cache: AnyCache
  readonly key: string
  /** ms since the epoch. */
  readonly at: number
  /** Of what it is partitioned by. */
  readonly hash: number | undefined
}

/** The entries that expire until then, earliest first; with a limit, so many of each cache. */
export function dueEntries(
  space: Space,
  state: SpaceState,
  until: number,
  limit = Number.POSITIVE_INFINITY,
): DueEntry[] {
  const due: DueEntry[] = []
  for (const cache of space.caches) {
    const layout = state.layout.named(cache.name)
    const index = layout?.indexNumber(expiryIndex)
    if (!layout || index === undefined || cache.expiry === undefined) continue
    for (const { key, value } of collect(state, layout.number, index, { to: until, limit }))
      due.push({
        cache,
        key,
        at: value[layout.expiry as string] as number,
        hash: hashOfStored(layout, value),
      })
  }
  return due.sort((a, b) => a.at - b.at)
}

const expiryOf = ({ cache, key, at, hash }: DueEntry): Work => {
  const callback: Callback = { kind: 'expiry', name: cache.name, declared: cache }
  return {
    callback,
    run: (recorder): HandlerData => {
      const value: unknown = recorder.get(cache, key)
      // Somebody else has been quicker: the entry has gone, or expires at another time now.
      if (cache.expiry !== undefined && Object(value)[cache.expiry] === at) {
        if (cache.onExpire) refusePromise(cache.onExpire(recorder, value))
        else recorder.delete(cache, key)
      }
      return { data: undefined, slots: noSlots }
    },
    answering: callback,
    answer: () => undefined,
    notBefore: at,
    hash,
  }
}
