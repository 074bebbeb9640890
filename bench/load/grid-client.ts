import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { type Answer, clientSaturated, unansweredAtEnd } from './answer.ts'
import { type Attempt, attemptOf, failed } from './attempt.ts'
import type { Random } from './random.ts'
import { type RetryPolicy, retryAfterMsOf, retryDelayMs } from './retry-policy.ts'

export interface GridClientOptions {
  readonly retry: RetryPolicy
  /** Requests open at once; one more is not sent, and fails as `client saturated`. Each may have a connection of its own. */
  readonly openMax: number
  /** An attempt without a complete answer for this long has failed. In ms. */
  readonly timeoutMs: number
  /** Sent with every request: credentials, for example. */
  readonly headers: Readonly<Record<string, string>>
  /** Spreads retries. */
  readonly random: Random
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * A user's view of the grid over HTTP. Commands carry an idempotency key, and every retry carries the same one, so a command
 * whose first answer was lost takes effect once. An attempt that ended without a verdict is remembered: the final answer
 * says whether the command may have taken effect (`outcomeUnknown`), which is what the audit needs to know.
 *
 * Never throws for what the grid or the network does: every ending is an Answer.
 */
export class GridClient {
  readonly #pool: Pool
  readonly #prefix: string
  readonly #options: GridClientOptions
  readonly #stopping = new AbortController()
  #open = 0

  constructor(url: URL, options: GridClientOptions) {
    this.#options = options
    // Every request that waits for its next attempt listens: thousands are meant, not a leak.
    setMaxListeners(0, this.#stopping.signal)
    this.#prefix = url.pathname.replace(/\/$/, '')
    this.#pool = new Pool(url.origin, {
      connections: options.openMax,
      // One request per connection: a pipelined request would wait for the one before it, and the wait would look like the grid's.
      pipelining: 1,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      connectTimeout: options.timeoutMs,
    })
  }

  /** Requests sent and not yet answered. */
  get open(): number {
    return this.#open
  }

  command(space: string, name: string, input: unknown, idempotencyKey: string): Promise<Answer> {
    return this.#send({
      method: 'POST',
      path: `${this.#prefix}/${space}/commands/${name}`,
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify(input),
    })
  }

  /** @param from the least log position to answer from, or `latest`: all that is stored when the request comes */
  query(
    space: string,
    name: string,
    input: Readonly<Record<string, string>>,
    from?: number | 'latest',
  ): Promise<Answer> {
    return this.#send({
      method: 'GET',
      path: `${this.#prefix}/${space}/queries/${name}?${new URLSearchParams(input)}`,
      headers: freshness(from),
    })
  }

  /** Ends everything that is still open; it is answered as failed, outcome unknown. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#pool.destroy()
  }

  async #send(request: Request): Promise<Answer> {
    let outcomeUnknown = false
    for (let attempts = 1; ; attempts += 1) {
      const { answer, retryable, retryAfterMs } = await this.#attempt(request)
      if (answer.kind === 'shed' || answer.kind === 'failed') {
        outcomeUnknown ||= answer.outcomeUnknown && request.method === 'POST'
        const { retry, random } = this.#options
        const delayMs = retryable ? retryDelayMs(retry, attempts, retryAfterMs, random) : undefined
        if (delayMs === undefined || !(await this.#pause(delayMs))) {
          return { ...answer, attempts, outcomeUnknown }
        }
      } else {
        return { ...answer, attempts }
      }
    }
  }

  /** False when the client was stopped meanwhile. */
  async #pause(delayMs: number): Promise<boolean> {
    try {
      await sleep(delayMs, undefined, { signal: this.#stopping.signal })
      return true
    } catch {
      // Only stopping the client ends a pause early.
      return false
    }
  }

  async #attempt(request: Request): Promise<Attempt> {
    if (this.#stopping.signal.aborted) return { answer: failed(unansweredAtEnd), retryable: false }
    if (this.#open >= this.#options.openMax) {
      return { answer: failed(clientSaturated), retryable: false }
    }
    this.#open += 1
    try {
      const response = await this.#pool.request({
        ...request,
        headers: { ...this.#options.headers, ...request.headers },
      })
      const text = await response.body.text()
      const retryAfter = response.headers['retry-after']
      const asked = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter
      return attemptOf(response.statusCode, text, retryAfterMsOf(asked, Date.now()))
    } catch (error) {
      if (this.#stopping.signal.aborted) {
        return { answer: failed(unansweredAtEnd, { outcomeUnknown: true }), retryable: false }
      }
      return { answer: failed(errorReason(error), { outcomeUnknown: true }), retryable: true }
    } finally {
      this.#open -= 1
    }
  }
}

function freshness(from: number | 'latest' | undefined): Readonly<Record<string, string>> {
  if (from === undefined) return {}
  return from === 'latest' ? { 'grid-consistency': 'latest' } : { 'grid-position': String(from) }
}

function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return 'connection failed'
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined ? error.message : `connection failed: ${code}`
}
