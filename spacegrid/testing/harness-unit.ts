import { ApplicationFault, type Callback } from '@spacegrid/grid/core/application-fault'
import type { CommandsOf } from '@spacegrid/grid/core/call-types'
import {
  answerOf,
  type HandlerData,
  refusePromise,
  runHandler,
} from '@spacegrid/grid/core/callback'
import type { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { AnyCache, AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { evaluateSteps } from '@spacegrid/grid/core/evaluation'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { Overlay } from '@spacegrid/grid/core/overlay'
import { Recorder } from '@spacegrid/grid/core/recorder'
import { expiryIndex } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { noSlots } from '@spacegrid/grid/core/steps'
import { checkFits, freezeInput } from '@spacegrid/grid/core/validation'
import { transactionId } from '@spacegrid/grid/core/version'
import { collect } from '@spacegrid/grid/core/view'
import type { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { Attempt, StartedCommand, type Work } from './started-command.ts'

/** What a harness lends its units. */
export interface Surroundings {
  readonly space: Space
  readonly state: SpaceState
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
 * A processing unit of a harness: executes a command when it is started, melds when it is told to.
 */
export class HarnessUnit<S extends Space = Space> {
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

  /** @internal */
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
   * @throws GridError `unknown_command`, `invalid_input` when the input does not fit its schema
   */
  start<Name extends keyof CommandsOf<S> & string>(
    name: Name,
    input: CommandsOf<S>[Name]['input'],
  ): StartedCommand<CommandsOf<S>[Name]['result']> {
    const command = this.#surroundings.space.commands.get(name)
    if (!command) throw new GridError('unknown_command', `No command is called ${name}`)
    checkFits(command.input, input, `command ${name}`)
    freezeInput(input, `command ${name}`)
    const started = new StartedCommand<CommandsOf<S>[Name]['result']>(
      workOf(command, input, this.#surroundings.version),
    )
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
    const frame: Frame = {
      kind: FrameKind.transactions,
      origin: this.#origin,
      id: this.#frameCount + 1,
      previous: this.#frameCount,
      deadline: Number.MAX_SAFE_INTEGER,
      transactions: attempts.map(({ record }) => record),
      parts: 0,
    }
    // An origin that was silent for long has been forgotten: its unit joins again and starts over,
    // as a real one does.
    if (this.#surroundings.meld(frame, attempts)) this.#frameCount++
    else this.#origin = 0
    for (const { command } of attempts) if (!command.settled) this.#execute(command)
  }

  /** Melds until nothing is pending. */
  settle(): void {
    while (this.#pending.length > 0) this.meld()
  }

  #execute(command: StartedCommand): void {
    const { now, newId, attemptsMax } = this.#surroundings
    if (command.attempts >= attemptsMax) {
      command.fail(new GridError('contended', `The command has collided ${attemptsMax} times`))
      return
    }
    if (this.#origin === 0) this.#join()
    const number = ++this.#transactionCount
    const id = transactionId(this.#origin, number)
    const recorder = new Recorder(this.#freshView(), { id, now: now(), newId })
    const attempt = Attempt.of(command, recorder, number, this.#surroundings.faults)
    if (!attempt) return
    this.#pending.push(attempt)
    this.#foresee(attempt)
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

const workOf = (command: AnyCommand, input: unknown, version: Compatibility): Work => ({
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
})

/** An entry whose time has come. */
export interface DueEntry {
  readonly cache: AnyCache
  readonly key: string
  /** ms since the epoch. */
  readonly at: number
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
      due.push({ cache, key, at: value[layout.expiry as string] as number })
  }
  return due.sort((a, b) => a.at - b.at)
}

const expiryOf = ({ cache, key, at }: DueEntry): Work => {
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
  }
}
