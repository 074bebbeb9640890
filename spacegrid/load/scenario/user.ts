import type { Space } from '@spacegrid/grid/core/definition'
import type {
  Accepted,
  Answer,
  CommandsIn,
  Failed,
  FromJson,
  GridClient,
  QueriesIn,
  Rejected,
  Shed,
} from '../../client/index.ts'
import type { Measurements } from '../measurements.ts'
import { sleepUnlessAborted } from '../open-loop.ts'
import type { Random } from '../random.ts'
import type { Checks } from './checks.ts'
import type { OpenCommands } from './open-commands.ts'

export interface UserContext {
  readonly client: GridClient
  readonly measurements: Measurements
  readonly open: OpenCommands
  readonly checks: Checks
  readonly space: string
  /** Ms since the run began. */
  readonly now: () => number
  /** Ends users' thinking when the run is over. */
  readonly signal: AbortSignal
  /** Distinguishes this run's idempotency keys from any other's. */
  readonly runId: string
  /** Distinct users; undefined: every arrival is another one. */
  readonly users: number | undefined
  /** Mean time before a decision, in ms. */
  readonly thinkMs: number
}

/** How a request ended, its result with the type that the space declares. */
export type AnswerWith<Result> =
  | (Omit<Accepted, 'result'> & { readonly result: Result })
  | Rejected
  | Shed
  | Failed

/** Ends the visit of a user who is still there when the run is over. */
export class RunOver extends Error {
  override readonly name = 'RunOver'
}

/**
 * One simulated user. The user knows when each request was due: the first when they arrived, a
 * later one when the answer before it came, plus the time they thought. Latency is measured from
 * there.
 */
export class User<Spaces extends Space = Space> {
  /** Counts arrivals, from 0. */
  readonly index: number
  /** The user's own choices, the same in every run with the same seed. */
  readonly random: Random
  readonly #context: UserContext
  #intendedMs: number
  #commands = 0

  constructor(context: UserContext, index: number, intendedMs: number, random: Random) {
    this.#context = context
    this.index = index
    this.#intendedMs = intendedMs
    this.random = random
  }

  /** Who this is, from 0: with `--users` arrivals are dealt out among so many, in turn. */
  get number(): number {
    const { users } = this.#context
    return users === undefined ? this.index : this.index % users
  }

  /** The key that the user's next command will carry. */
  get nextKey(): string {
    return `${this.#context.runId}-${this.index}-${this.#commands}`
  }

  /**
   * Sends a command; never throws for what the grid answers.
   *
   * @param told keeps the books for the audit: called with the answer, and, when that leaves open
   * whether the command has taken effect (`outcomeUnknown`), once more after the run with what came
   * out when it was asked again with its key. Not called again: nobody could say within a minute.
   */
  command<
    Name extends keyof CommandsIn<Spaces, Spaces['name']> & string,
    Result = FromJson<CommandsIn<Spaces, Spaces['name']>[Name]['result']>,
  >(
    name: Name,
    input: CommandsIn<Spaces, Spaces['name']>[Name]['input'],
    told?: (answer: AnswerWith<Result>) => void,
  ): Promise<AnswerWith<Result>> {
    const idempotencyKey = this.nextKey
    this.#commands += 1
    const { client, space, open } = this.#context
    return this.#measure<Result>(name, async () => {
      const answer = await client.answerOfCommand(space, name, input, { idempotencyKey })
      // What the space declares is what the grid answers: the types end at the wire.
      const note = told as ((answer: Answer) => void) | undefined
      if (note) open.note({ name, input, idempotencyKey, told: note }, answer)
      return answer
    })
  }

  /** Asks a query; never throws for what the grid answers. */
  query<
    Name extends keyof QueriesIn<Spaces, Spaces['name']> & string,
    Result = FromJson<QueriesIn<Spaces, Spaces['name']>[Name]['result']>,
  >(
    name: Name,
    input: QueriesIn<Spaces, Spaces['name']>[Name]['input'] & object,
  ): Promise<AnswerWith<Result>> {
    const { client, space } = this.#context
    return this.#measure<Result>(name, () => client.answerOfQuery(space, name, input))
  }

  /**
   * Lets the user think, by default half to one and a half times the mean of the run (`--think`).
   * When the run is over meanwhile the user's visit ends here.
   */
  async think(ms: number = this.#context.thinkMs * (0.5 + this.random())): Promise<void> {
    this.#intendedMs = this.#context.now() + ms
    if (!(await sleepUnlessAborted(ms, this.#context.signal))) throw new RunOver()
  }

  /**
   * Counts a promise as kept or broken, and goes on; one that was broken once fails the audit.
   * @param detail what was wrong, for people
   */
  check(promise: string, holds: boolean, detail?: string): boolean {
    this.#context.checks.count(promise, holds, `user ${this.index}${detail ? `: ${detail}` : ''}`)
    return holds
  }

  async #measure<Result>(
    operation: string,
    send: () => Promise<Answer>,
  ): Promise<AnswerWith<Result>> {
    const record = this.#context.measurements.offer(operation, this.#intendedMs)
    const answer = await send()
    record(answer)
    this.#intendedMs = this.#context.now()
    return answer as AnswerWith<Result>
  }
}
