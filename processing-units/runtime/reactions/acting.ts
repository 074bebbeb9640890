import type { Callback } from '@spacegrid/grid/core/application-fault'
import { ReturnFault } from '@spacegrid/grid/core/application-fault'
import { refusePromise } from '@spacegrid/grid/core/callback'
import { DataFault, takeData } from '@spacegrid/grid/core/data'
import type { Value } from '@spacegrid/grid/core/data-types'
import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import type { About, CallAct, CommandAct, Process, StepContext } from '@spacegrid/grid/core/process'
import { fitProblem } from '@spacegrid/grid/core/validation'
import { type Clock, within } from '@spacegrid/grid/engine/ports/clock'
import type { FaultDesk } from '../fault-desk.ts'
import { reactionKeyPrefix } from '../idempotency.ts'
import { asApplication } from '../origin.ts'
import { orderKey } from './order-key.ts'
import { actId, type NextAct, type Outcome, timeIsUpAt } from './progress.ts'
import type { ReactAnswer, ReactRequest } from './react-request.ts'

/** What an attempt has come to; `later`: nothing can be said yet, and it counts for nothing. */
export type Attempted = Outcome | { readonly kind: 'later'; readonly why: string }

export interface ActingParts {
  readonly clock: Clock
  readonly faults: FaultDesk
  /** Of the space that declares the reactions. */
  readonly space: string
  readonly send: (space: string, request: ReactRequest) => Promise<ReactAnswer>
  /** Told where something was done under a key. */
  readonly done: (space: string, key: string, position: number | string) => void
  /** How long a key is remembered at least where it was used, ms. */
  readonly keyMs: number
}

/** From the state that an attempt rests on, log time: nothing is begun later. */
const beginMs = 120_000

/** Does what is next of an entry: asks a space for a command, or calls something outside. */
export class Acting {
  readonly #parts: ActingParts

  constructor(parts: ActingParts) {
    this.#parts = parts
  }

  /**
   * @param stateTime log time of the state in which the entry was seen
   * @param now log time
   */
  async act(
    process: Process,
    entry: OutboxEntry,
    next: NextAct,
    stateTime: number,
    now: number,
  ): Promise<Attempted> {
    const { act } = next
    const context = contextOf(entry, next)
    const problem = fitProblem(process.on.schema, entry.payload)
    if (problem)
      return {
        kind: 'dead',
        fault: `the payload of ${entry.event} is not what it is declared to be: ${problem.path} ${problem.message}`,
      }
    try {
      orderKey(process, entry)
    } catch (thrown) {
      // In which order it was to be done nobody knows.
      return this.#faulty(process, thrown)
    }
    // A compensation has the id of what it compensates: by that it is known outside.
    const about = { id: `${entry.id}:${next.name}`, at: entry.at }
    return act.kind === 'command'
      ? await this.#command(process, entry, next, act, { context, about, stateTime, now })
      : await this.#call(process, act, context, about)
  }

  async #command(
    process: Process,
    entry: OutboxEntry,
    next: NextAct,
    { space = this.#parts.space, command, input: make }: CommandAct,
    seen: {
      readonly context: StepContext
      readonly about: About
      readonly stateTime: number
      readonly now: number
    },
  ): Promise<Attempted> {
    const { stateTime, now } = seen
    // What was done might be forgotten where it was done: whether it was, nobody could say.
    if (now - entry.since > this.#parts.keyMs / 2)
      return {
        kind: 'dead',
        fault: `it has been waiting since ${new Date(entry.since).toISOString()}: look whether ${command.name} was done in ${space}, then replay or drop it`,
      }
    let input: unknown
    try {
      input = asApplication(make, seen.context, seen.about)
      refusePromise(input)
      input = JSON.parse(JSON.stringify(takeData(input)) ?? 'null')
      const problem = fitProblem(command.input, input)
      if (problem)
        throw new ReturnFault(
          problem.path,
          `of the input of ${command.name} does not fit: ${problem.message}`,
        )
    } catch (thrown) {
      return this.#faulty(process, thrown)
    }
    const key = `${reactionKeyPrefix}${actId(entry, next)}`
    const isUp = (timeIsUpAt(next, entry) ?? Number.POSITIVE_INFINITY) <= now
    const kind = isUp ? 'cancel' : 'do'
    const notAfter = stateTime + beginMs
    const request: ReactRequest = { kind, command: command.name, input, key, notAfter }
    try {
      const answer = await this.#parts.send(space, request)
      if (answer.kind === 'refused') return answer
      this.#parts.done(space, key, answer.position)
      return { kind: 'done', result: answer.result }
    } catch (error) {
      if (!isGridError(error)) throw error
      const why = `${command.name} in ${space}: ${error.code}: ${error.message}`
      return error.retryable ? { kind: 'later', why } : { kind: 'failed', fault: why }
    }
  }

  async #call(
    process: Process,
    { run, attemptMs }: CallAct,
    context: StepContext,
    about: About,
  ): Promise<Attempted> {
    const aborting = new AbortController()
    const late = () => new Error(`no answer in ${attemptMs} ms`)
    try {
      const { signal } = aborting
      const running = new Promise((resolve) =>
        resolve(asApplication(run, context, { ...about, signal })),
      )
      const returned = await within(this.#parts.clock, attemptMs, running, late)
      return { kind: 'done', result: returned === undefined ? null : takeData(returned) }
    } catch (thrown) {
      return this.#failed(process, thrown)
    } finally {
      aborting.abort()
    }
  }

  #failed(process: Process, thrown: unknown): Attempted {
    try {
      if (thrown instanceof Rejection) {
        const { reason, details } = thrown
        return { kind: 'refused', reason: shortened(String(reason)), details: plain(details) }
      }
      if (thrown instanceof DataFault) return this.#faulty(process, thrown)
    } catch {
      // What does not let itself be looked at is none of the two.
    }
    return { kind: 'failed', fault: textOf(thrown) }
  }

  #faulty(process: Process, thrown: unknown): Attempted {
    const callback: Callback = { kind: 'reaction', name: process.name, declared: process }
    return { kind: 'dead', fault: this.#parts.faults.judge(callback, thrown).message }
  }
}

/** The event and the results of the steps before, as callbacks are given them. */
function contextOf(entry: OutboxEntry, { name, isUndo }: NextAct): StepContext {
  const { payload: event, results, failure } = entry
  const context = { ...results, event }
  return isUndo ? { ...context, failure, result: results?.[name] } : context
}

function plain(details: unknown): Value {
  try {
    return takeData(Object(details) as Value)
  } catch {
    // What cannot be kept is no detail.
    return {}
  }
}

const faultLengthMax = 1000

const shortened = (text: string): string => text.slice(0, faultLengthMax).toWellFormed()

function textOf(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? thrown.message : `threw ${String(thrown)}`
    return shortened(text)
  } catch {
    return 'threw what cannot be told'
  }
}
