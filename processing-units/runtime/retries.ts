import type { HandlerData } from '@spacegrid/grid/core/callback'
import type { GridError } from '@spacegrid/grid/core/errors'
import { unmarkTaken } from '@spacegrid/grid/core/outcomes'
import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { RememberStep } from '@spacegrid/grid/core/steps'
import type { LogClock } from '@spacegrid/grid/engine/replica/log-clock'
import type { Answers } from './answers.ts'
import type { Execution } from './execution.ts'
import {
  asRemembered,
  checkSameCommand,
  isReactionKey,
  rememberedRefusal,
  rememberStep,
} from './idempotency.ts'
import type { UnitOptions } from './unit-options.ts'

/** What retries are answered from. */
export interface RetriesParts {
  readonly state: SpaceState
  readonly time: LogClock
  readonly answers: Answers
}

/**
 * Commands that are asked for again under their idempotency key: one that is still open is
 * followed, and what was done is remembered by the very transaction that does it, and answered from
 * there on any unit, after any crash.
 */
export class Retries {
  readonly #state: SpaceState
  readonly #time: LogClock
  readonly #answers: Answers
  readonly #options: UnitOptions
  #followers = 0

  constructor({ state, time, answers }: RetriesParts, options: UnitOptions) {
    this.#state = state
    this.#time = time
    this.#answers = answers
    this.#options = options
  }

  /** Requests that wait for the answer of another one with their key. */
  get followers(): number {
    return this.#followers
  }

  /** A second request with the key of one that is still running gets that one's answer. */
  follow(execution: Execution, leader: Execution): void {
    try {
      checkSameCommand(
        { command: leader.command.name, input: leader.fingerprint },
        execution.command.name,
        execution.fingerprint,
      )
      this.#followers++
      leader.answered
        .then(
          (answer) =>
            execution.succeed({ ...answer, replayed: true, acknowledged: execution.acknowledge }),
          (error: GridError) => execution.fail(error),
        )
        .finally(() => this.#followers--)
    } catch (error) {
      execution.fail(error as GridError)
    }
  }

  /** Answers with the remembered result of the same idempotency key, if there is one. */
  replay(execution: Execution): boolean {
    if (execution.idempotencyKey === undefined) return false
    const entry = this.#state.find(idempotencyCacheNumber, execution.idempotencyKey)
    if (!entry) return false
    const remembered = asRemembered(entry.value)
    if (isReactionKey(execution.idempotencyKey)) {
      const refusal = rememberedRefusal(remembered)
      if (refusal) {
        execution.fail(refusal)
        return true
      }
    } else checkSameCommand(remembered, execution.command.name, execution.fingerprint)
    const { position, version } = entry
    const { data, taken } = unmarkTaken(remembered.data)
    this.#answers.give(execution, data, { position, version, replayed: true }, true, taken)
    return true
  }

  /** The step by which an execution with a key is remembered. */
  remember(
    execution: Execution,
    handled: HandlerData,
    name = execution.command.name,
  ): RememberStep {
    const { idempotencyKey, fingerprint, hash } = execution
    const key = idempotencyKey as string
    const expiresAt = Math.max(this.#time.now(), this.#state.time) + this.#keptMs(execution)
    return rememberStep({ key, command: name, input: fingerprint, expiresAt }, handled, hash)
  }

  #keptMs({ idempotencyKey }: Execution): number {
    const { idempotencyMs, reactionKeyMs } = this.#options
    return isReactionKey(idempotencyKey) ? reactionKeyMs : idempotencyMs
  }
}

/** An answer that was only `accepted` says nothing to a caller who waits for more. */
export const answersFor = (leader: Execution, follower: Execution): boolean =>
  leader.acknowledge !== 'accepted' || follower.acknowledge === 'accepted'
