import { type HandlerData, runHandler } from '@spacegrid/grid/core/callback'
import type { Compatibility } from '@spacegrid/grid/core/compatibility'
import { Rejection } from '@spacegrid/grid/core/errors'
import { KeyedRecorder } from '@spacegrid/grid/core/keyed-recorder'
import type { Outbox } from '@spacegrid/grid/core/outbox'
import type { Place } from '@spacegrid/grid/core/place'
import { PlacedRecorder } from '@spacegrid/grid/core/placed-recorder'
import { Recorder, type RecorderOptions } from '@spacegrid/grid/core/recorder'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { transactionId } from '@spacegrid/grid/core/version'
import type { LogClock } from '@spacegrid/grid/engine/replica/log-clock'
import { callbackOf } from './answers.ts'
import type { ArchiveDesk } from './archive/archive-desk.ts'
import type { Execution } from './execution.ts'
import type { FaultDesk } from './fault-desk.ts'
import type { FrameChain } from './frame-chain.ts'
import { asApplication } from './origin.ts'
import type { PendingTransactions } from './pending.ts'
import type { RunnerParts } from './runner-parts.ts'
import type { UnitOptions } from './unit-options.ts'

/** What one run of a handler came to. */
export type Attempt =
  | { readonly kind: 'transaction'; readonly handled: HandlerData }
  | { readonly kind: 'answer'; readonly data: unknown }
  | { readonly kind: 'rejection'; readonly rejection: Rejection }
  /** It took for missing what may have left memory: it runs again when that is known. */
  | { readonly kind: 'unknown' }

/**
 * Runs the handlers of commands over what is committed and what is pending here, and says what came
 * of it. Nothing is changed by that: what a handler has read and what it wants done stands in its
 * recorder.
 */
export class HandlerRuns {
  readonly #view: PendingTransactions
  readonly #options: UnitOptions
  readonly #chain: FrameChain
  readonly #state: SpaceState
  readonly #time: LogClock
  readonly #faults: FaultDesk
  readonly #version: Compatibility
  readonly #archive: ArchiveDesk
  readonly #outbox: Outbox | undefined
  readonly #place: Place | undefined
  readonly #newId: () => string

  constructor(view: PendingTransactions, parts: RunnerParts, options: UnitOptions) {
    const { chain, state, time, faults, version, archive, outbox, place, random } = parts
    this.#view = view
    this.#options = options
    this.#chain = chain
    this.#state = state
    this.#time = time
    this.#faults = faults
    this.#version = version
    this.#archive = archive
    this.#outbox = outbox
    this.#place = place
    this.#newId = () => random.id()
  }

  /** What the handler of an execution that runs at `begun` is given: a transaction of its own. */
  recorder(execution: Execution, begun: number): Recorder {
    const { command, input, hash } = execution
    const number = this.#chain.nextNumber()
    const options: RecorderOptions = {
      id: transactionId(this.#chain.origin, number),
      now: Math.max(this.#time.now(begun), this.#state.time),
      newId: this.#newId,
      limits: this.#options.transaction,
      archive: this.#archive,
      number,
      outbox: this.#outbox,
      reasons: command.rejections,
    }
    const { partitionBy, parts } = command
    if (this.#place) return new PlacedRecorder(this.#view, { ...options, place: this.#place, hash })
    return partitionBy || parts
      ? new KeyedRecorder(this.#view, { ...options, partitionBy, value: input })
      : new Recorder(this.#view, options)
  }

  /** @throws GridError for what is neither an answer nor a refusal */
  run({ command, input, context }: Execution, recorder: Recorder): Attempt {
    try {
      const handled = asApplication(runHandler, command, recorder, input, this.#version, context)
      if (recorder.unknown.length > 0) return { kind: 'unknown' }
      return recorder.writes
        ? { kind: 'transaction', handled }
        : { kind: 'answer', data: handled.data }
    } catch (thrown) {
      if (recorder.unknown.length > 0) return { kind: 'unknown' }
      const error = this.#faults.judge(callbackOf('command', command), thrown)
      if (error instanceof Rejection) return { kind: 'rejection', rejection: error }
      throw error
    }
  }
}
