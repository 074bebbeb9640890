import type { GridError } from '../errors.ts'
import type { Acknowledgement, AnyCommand } from '../space/definition.ts'
import type { CommandAnswer } from './serving.ts'

/** One command on its way: from its first execution to its caller's answer, whichever attempt lands. */
export class Execution {
  readonly command: AnyCommand
  readonly input: unknown
  readonly idempotencyKey: string | undefined
  /** Fingerprint of the input; only with an idempotency key. */
  readonly fingerprint: string
  readonly acknowledge: Acknowledgement
  /** Monotonic ms by which the caller is told something. */
  readonly deadline: number
  readonly answered: Promise<CommandAnswer>
  attempts = 0
  /** An attempt is or was in the log's hands: without its answer the outcome is unknown. */
  sent = false
  done = false
  #answered = false
  #resolve: (answer: CommandAnswer) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(
    command: AnyCommand,
    input: unknown,
    options: {
      readonly idempotencyKey: string | undefined
      readonly fingerprint: string
      readonly acknowledge: Acknowledgement
      readonly deadline: number
    },
  ) {
    this.command = command
    this.input = input
    this.idempotencyKey = options.idempotencyKey
    this.fingerprint = options.fingerprint
    this.acknowledge = options.acknowledge
    this.deadline = options.deadline
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /**
   * Nobody wants another attempt. A command acknowledged `accepted` is seen through after its answer; one that has failed is not, for its
   * caller may have been told that it is not committed.
   */
  get over(): boolean {
    return this.done && !(this.#answered && this.acknowledge === 'accepted')
  }

  succeed(answer: CommandAnswer): void {
    if (this.done) return
    this.done = true
    this.#answered = true
    this.#resolve(answer)
  }

  fail(error: GridError): void {
    if (this.done) return
    this.done = true
    this.#reject(error)
  }
}
