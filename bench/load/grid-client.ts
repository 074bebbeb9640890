import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { type Answer, clientSaturated, type Failed, unansweredAtEnd } from './answer.ts'
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

/** What one attempt came to, and whether another one may help. */
interface Attempt {
  readonly answer: Answer
  readonly retryable: boolean
  readonly retryAfterMs?: number | undefined
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

  /** @param latest waits for a state that includes everything stored when the request came */
  query(
    space: string,
    name: string,
    input: Readonly<Record<string, string>>,
    latest = false,
  ): Promise<Answer> {
    return this.#send({
      method: 'GET',
      path: `${this.#prefix}/${space}/queries/${name}?${new URLSearchParams(input)}`,
      headers: latest ? { 'grid-consistency': 'latest' } : {},
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
      return attemptOf(
        response.statusCode,
        bodyOf(text),
        retryAfterMsOf(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, Date.now()),
      )
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

function failed(reason: string, details: Partial<Failed> = {}): Failed {
  return { kind: 'failed', reason, outcomeUnknown: false, attempts: 1, ...details }
}

type Body = Readonly<Record<string, unknown>>

function bodyOf(text: string): Body {
  try {
    const body: unknown = JSON.parse(text)
    return isRecord(body) ? body : {}
  } catch {
    // A gateway's own error page is HTML: the status alone has to do.
    return {}
  }
}

const isRecord = (value: unknown): value is Body => typeof value === 'object' && value !== null

/** Reads an answer as the HTTP contract means it; a gateway in between may add 502, 503 and 504 of its own. */
function attemptOf(status: number, body: Body, retryAfterMs: number | undefined): Attempt {
  const error = isRecord(body.error) ? body.error : body
  const code = typeof error.code === 'string' ? error.code : undefined
  const reason = code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`
  if (status === 200) {
    return { answer: { kind: 'accepted', result: body.result, attempts: 1 }, retryable: false }
  }
  if (status === 409) {
    const rejection = typeof error.reason === 'string' ? error.reason : reason
    return {
      answer: { kind: 'rejected', reason: rejection, details: error, attempts: 1 },
      retryable: false,
    }
  }
  if (status === 503 || status === 429) {
    const answer: Answer = { kind: 'shed', reason, outcomeUnknown: false, attempts: 1 }
    return { answer, retryable: true, retryAfterMs }
  }
  const outcomeUnknown = status === 502 || status === 504 || status === 500
  const answer = failed(reason, { status, outcomeUnknown })
  return { answer, retryable: status === 502 || status === 504, retryAfterMs }
}

function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return 'connection failed'
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined ? error.message : `connection failed: ${code}`
}
