import { randomUUID } from 'node:crypto'
import { type Answer as ClientAnswer, GridClient } from 'spacegrid/client'
import { poolTransport } from 'spacegrid/load/pool-transport'

export interface Answer {
  readonly status: number
  readonly body: {
    readonly result?: Record<string, unknown>
    readonly position?: number
    readonly code?: string
    /** One sentence for people. */
    readonly detail?: string
    readonly error?: { readonly reason?: string }
  }
  /**
   * Nobody answered an earlier attempt with this key: it may still be on its way, and take effect
   * after this answer if that is a refusal.
   */
  readonly isLate?: boolean
}

export interface PatientClientOptions {
  /** An answer that is not complete by then is given up: the unit may be paused. Default 15,000. */
  readonly answerMs?: number
  /** How it says who it is: `Api-Key …`. Default: not at all. */
  readonly credential?: string
}

const connectionsMax = 256
/** More than there are connections wait for one: only then does their time begin. */
const openMax = 65_536
const waitMsMax = 600_000
const retryMs = 100

/** Nothing came back. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** The request may have arrived. */
  readonly mayHaveArrived: boolean

  constructor(reason: string, mayHaveArrived: boolean) {
    super(reason)
    this.mayHaveArrived = mayHaveArrived
  }
}

/**
 * A careful user with more patience than the published client has by itself: retries what may be
 * retried, with the same idempotency key, until a time limit, and knows of each answer whether an
 * earlier attempt may still arrive.
 */
export class PatientClient {
  /**
   * Why requests had to be sent again: an error's code, or what became of the connection; and how
   * often.
   */
  readonly retried = new Map<string, number>()
  readonly #client: GridClient

  constructor(url: string, { answerMs = 15_000, credential }: PatientClientOptions = {}) {
    const retry = { retriesMax: 0, retryAfterMaxMs: 0 }
    const limits = { connections: connectionsMax, timeoutMs: answerMs }
    const transport = poolTransport(new URL(url).origin, limits)
    this.#client = new GridClient(url, {
      ...{ timeoutMs: waitMsMax, openMax, retry, transport },
      ...(credential === undefined ? {} : { credential: () => credential }),
    })
  }

  async query(
    space: string,
    name: string,
    input: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return shown(await this.#client.answerOfQuery(space, name, input, { headers }))
  }

  async entry(space: string, cache: string, key: string): Promise<Answer> {
    const answer = await this.#client.answerOfEntry(space, cache, key)
    if (answer.kind !== 'accepted') return shown(answer)
    return { status: 200, body: answer.result as Answer['body'] }
  }

  async command(
    space: string,
    name: string,
    input: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const options = { idempotencyKey: null, headers }
    return shown(await this.#client.answerOfCommand(space, name, input, options))
  }

  /** undefined when there was no final answer within the time. */
  async persist(
    space: string,
    name: string,
    input: unknown,
    giveUpMs: number,
    key: string = randomUUID(),
    headers: Record<string, string> = {},
  ): Promise<Answer | undefined> {
    return await this.untilAnswered(
      () => this.command(space, name, input, { ...headers, 'idempotency-key': key }),
      giveUpMs,
    )
  }

  /**
   * Sends until there is an answer that no repetition would change; undefined when there is none
   * within the time.
   */
  async untilAnswered(send: () => Promise<Answer>, giveUpMs: number): Promise<Answer | undefined> {
    const until = performance.now() + giveUpMs
    let isLate = false
    while (performance.now() < until) {
      try {
        const answer = await send()
        if (answer.status < 500) return { ...answer, isLate }
        isLate ||= answer.status === 504
        this.#count(answer.body.code ?? String(answer.status))
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        // The unit may have died with the request: that is what the key is for.
        isLate ||= error.mayHaveArrived
        this.#count(error.message)
      }
      await new Promise((wake) => setTimeout(wake, retryMs * (0.5 + Math.random())))
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#client.stop()
  }

  #count(reason: string): void {
    this.retried.set(reason, (this.retried.get(reason) ?? 0) + 1)
  }
}

/** The answer as it came, for those who look at its status. */
function shown(answer: ClientAnswer): Answer {
  if (answer.kind === 'accepted') {
    const result = answer.result as Record<string, unknown>
    return { status: 200, body: { result, position: Number(answer.position) } }
  }
  if (answer.kind === 'rejected') {
    const { reason, details } = answer
    return { status: 409, body: { code: 'rejected', error: { ...details, reason } } }
  }
  const status = answer.kind === 'shed' ? 503 : answer.status
  if (status === undefined) throw new NoAnswer(answer.reason, answer.outcomeUnknown)
  const { problem } = answer
  if (!problem) return { status, body: {} }
  const { code, detail, details } = problem
  return { status, body: { code, detail, error: details } }
}
