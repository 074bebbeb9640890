import { type CommandContext, noContext } from '@spacegrid/grid/core/access'
import type { Acknowledgement, AnyCommand } from '@spacegrid/grid/core/definition'
import type { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { CommandAnswer } from '@spacegrid/grid/doors/request/serving'
import type { Traceparent } from '@spacegrid/grid/engine/ports/tracing'

/**
 * One command on its way: from its first execution to its caller's answer, whichever attempt lands.
 */
export class Execution {
  readonly command: AnyCommand
  readonly input: unknown
  /** Monotonic ms by which the caller is told something. */
  readonly deadline: number
  // What not every command has is set by whoever makes it, before it runs: an object of named parts
  // would be one more object for each command.
  /** Of the input's content. */
  inputBytes = 0
  idempotencyKey: string | undefined = undefined
  /** Fingerprint of the input; only with an idempotency key. */
  fingerprint = ''
  acknowledge: Acknowledgement = 'committed'
  /** Who asks, for the handler. */
  context: CommandContext = noContext
  /** Of its partition key, in a space with several partitions. */
  hash: number | undefined = undefined
  /** Whole monotonic ms at which it came through a door; 0: the process itself has asked. */
  cameAt = 0
  /** Of the request, if it is in a trace that is kept. */
  trace: Traceparent | undefined = undefined
  readonly answered: Promise<CommandAnswer<number>>
  attempts = 0
  /** The attempt of another command that holds what it needs: it runs when that is let go. */
  waitsFor: string | undefined
  /** An attempt is or was in the log's hands: without its answer the outcome is unknown. */
  sent = false
  /** Why it is refused, while that is being written down; only of what reactions send. */
  refusal: Rejection | undefined = undefined
  done = false
  /** Its neighbours among those that are open. */
  older: Execution | undefined = undefined
  younger: Execution | undefined = undefined
  #answered = false
  /** Called once, when the caller has been told something. */
  #settled: ((execution: Execution) => void) | undefined
  // Set by the promise's constructor, before anything can use them.
  #resolve!: (answer: CommandAnswer<number>) => void
  #reject!: (error: unknown) => void

  constructor(command: AnyCommand, input: unknown, deadline: number) {
    this.command = command
    this.input = input
    this.deadline = deadline
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /**
   * Nobody wants another attempt. A command acknowledged `accepted` is seen through after its
   * answer; one that has failed is not, for its caller may have been told that it is not committed.
   */
  get over(): boolean {
    return this.done && !(this.#answered && this.acknowledge === 'accepted')
  }

  onceSettled(settled: (execution: Execution) => void): void {
    this.#settled = settled
  }

  succeed(answer: CommandAnswer<number>): void {
    if (this.done) return
    this.done = true
    this.#answered = true
    this.#resolve(answer)
    this.#settled?.(this)
  }

  fail(error: GridError): void {
    if (this.done) return
    this.done = true
    this.#reject(error)
    this.#settled?.(this)
  }
}
