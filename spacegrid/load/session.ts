import type { Answer, GridClient } from '../client/index.ts'
import { sleepUnlessAborted } from './open-loop.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'

export interface SessionContext {
  readonly client: GridClient
  readonly recorder: Recorder
  readonly space: string
  /** Ms since the run began. */
  readonly now: () => number
  /** Ends users' thinking when the run is over. */
  readonly signal: AbortSignal
  /** Distinguishes this run's idempotency keys from any other's. */
  readonly runId: string
}

/**
 * One simulated user. The session knows when each request was due: the first when the user arrived,
 * a later one when the answer before it came, plus the time the user thought. Latency is measured
 * from there.
 */
export class Session {
  readonly index: number
  /** The user's own choices, the same in every run with the same seed. */
  readonly random: Random
  readonly #context: SessionContext
  #intendedMs: number
  #commands = 0

  constructor(context: SessionContext, index: number, intendedMs: number, random: Random) {
    this.#context = context
    this.index = index
    this.#intendedMs = intendedMs
    this.random = random
  }

  /** The key that the user's next command will carry. */
  nextKey(): string {
    return `${this.#context.runId}-${this.index}-${this.#commands}`
  }

  command(name: string, input: unknown): Promise<Answer> {
    const key = this.nextKey()
    this.#commands += 1
    const { client, space } = this.#context
    return this.#measure(name, () =>
      client.answerOfCommand(space, name, input, { idempotencyKey: key }),
    )
  }

  query(name: string, input: Readonly<Record<string, string>>): Promise<Answer> {
    const { client, space } = this.#context
    return this.#measure(name, () => client.answerOfQuery(space, name, input))
  }

  /** Lets the user think; false when the run ended meanwhile, and the user with it. */
  think(ms: number): Promise<boolean> {
    this.#intendedMs = this.#context.now() + ms
    return sleepUnlessAborted(ms, this.#context.signal)
  }

  async #measure(operation: string, send: () => Promise<Answer>): Promise<Answer> {
    const record = this.#context.recorder.offer(operation, this.#intendedMs)
    const answer = await send()
    record(answer)
    this.#intendedMs = this.#context.now()
    return answer
  }
}
