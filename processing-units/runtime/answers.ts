import type { Callback } from '@spacegrid/grid/core/application-fault'
import { answerOf } from '@spacegrid/grid/core/callback'
import type { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { AnyCommand } from '@spacegrid/grid/core/definition'
import type { Taken } from '@spacegrid/grid/core/outcomes'
import { absentVersion } from '@spacegrid/grid/core/version'
import type { CommandAnswer } from '@spacegrid/grid/doors/request/serving'
import { type Clock, keptWithin } from '@spacegrid/grid/engine/ports/clock'
import type { Execution } from './execution.ts'
import type { FaultDesk } from './fault-desk.ts'
import { asApplication } from './origin.ts'

/** Where what is answered stands in the log. */
export type Committed = Pick<CommandAnswer<number>, 'position' | 'version'> & {
  readonly replayed?: boolean
}

/** Makes of what a command has left behind the answer that its caller gets. */
export class Answers {
  readonly #clock: Clock
  readonly #faults: FaultDesk
  readonly #version: Compatibility
  /** How long the promise of a command's own answer may take. */
  readonly #waitMsMax: number

  constructor(clock: Clock, faults: FaultDesk, version: Compatibility, waitMsMax: number) {
    this.#version = version
    this.#clock = clock
    this.#faults = faults
    this.#waitMsMax = waitMsMax
  }

  /**
   * @param checked the data was found to be what the command declares as its result: when its
   * handler returned, or when it was first answered
   */
  give(execution: Execution, data: unknown, from: Committed, checked = true, taken?: Taken): void {
    if (execution.done) return
    const { command, acknowledge } = execution
    const { position, version, replayed = false } = from
    let result: unknown
    try {
      const read = this.#version.readTaken(data, taken)
      const { input } = execution
      result =
        command.answer || command.parts
          ? asApplication(answerOf, command, read, checked, this.#version, input)
          : answerOf(command, read, checked, this.#version, input)
    } catch (thrown) {
      this.#failed(execution, thrown, from)
      return
    }
    if ((command.answer || command.parts) && result instanceof Promise)
      keptWithin(this.#clock, this.#waitMsMax, result).then(
        (kept) =>
          execution.succeed({
            result: kept,
            position,
            version,
            replayed,
            acknowledged: acknowledge,
          }),
        (thrown) => this.#failed(execution, thrown, from),
      )
    else execution.succeed({ result, position, version, replayed, acknowledged: acknowledge })
  }

  #failed(execution: Execution, thrown: unknown, { position, version }: Committed): void {
    const { command, acknowledge } = execution
    // Of what was only accepted nobody knows yet whether it is committed; of what wrote nothing
    // there is nothing to know.
    const committed = version !== absentVersion && acknowledge !== 'accepted'
    const callback = callbackOf(command.answer ? 'answer' : 'command', command)
    execution.fail(this.#faults.judge(callback, thrown, committed ? position : undefined))
  }
}

export const callbackOf = (kind: 'command' | 'answer', command: AnyCommand): Callback => ({
  kind,
  name: command.name,
  declared: command,
})
