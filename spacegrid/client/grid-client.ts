import type { Acknowledgement, Space } from '@spacegrid/grid/core/definition'
import { newerPosition } from '@spacegrid/grid/core/position'
import type { Accepted, Answer, Position } from './answer.ts'
import { clientSaturated, unansweredAtEnd } from './answer.ts'
import { errorOf } from './answer-error.ts'
import { type Attempt, attemptOf, failed } from './attempt.ts'
import { queryString } from './query-string.ts'
import { type Random, type RetryPolicy, retryAfterMsOf, retryDelayMs } from './retry-policy.ts'
import { fetchTransport, type Transport } from './transport.ts'
import type { CommandsIn, FromJson, QueriesIn } from './typed-calls.ts'

export interface GridClientOptions {
  /** Default: five retries, and no longer wait than 10 s. */
  readonly retry?: RetryPolicy
  /**
   * Requests open at once; one more is not sent, and fails as `client saturated`. Default 1,024.
   */
  readonly openMax?: number
  /** An attempt without a complete answer for this long has failed. In ms. Default 15,000. */
  readonly timeoutMs?: number
  /** Sent with every request: credentials, for example. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Spreads retries. Default `Math.random`. */
  readonly random?: Random
  /** How requests travel. Default: `fetch`. */
  readonly transport?: Transport
}

export interface RequestOptions {
  /** Sent with this request as well. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface CommandOptions extends RequestOptions {
  /**
   * The same command sent again with the same key takes effect once. Default: a new one. `null`:
   * none; the grid then remembers nothing of the command, and it is not sent again once it may have
   * taken effect.
   */
  readonly idempotencyKey?: string | null
  /** What the answer waits for. Default: what the command says. */
  readonly acknowledge?: Acknowledgement
}

export interface QueryOptions extends RequestOptions {
  /**
   * The least log position to answer from; `latest`: all that is stored when the request comes;
   * `seen`: whatever this client has been told of the space so far. Default: any.
   */
  readonly from?: Position | 'latest' | 'seen'
}

/** What a command has come to. */
export interface CommandResult<Result = unknown> {
  readonly result: Result
  /** For queries that must see what the command has done. */
  readonly position: Position
  /** An earlier request with the same key has had this answer; this one changed nothing. */
  readonly replayed: boolean
}

export interface QueryResult<Result = unknown> {
  readonly result: Result
  readonly position: Position
}

interface Request {
  readonly space: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const defaultRetry: RetryPolicy = { retriesMax: 5, retryAfterMaxMs: 10_000 }

/**
 * A caller's view of the grid over HTTP. Commands carry an idempotency key, and every retry carries
 * the same one, so a command whose first answer was lost takes effect once. `command` and `query`
 * return results and throw what went wrong; `answerOfCommand` and `answerOfQuery` never throw for
 * what the grid or the network does: every ending is an `Answer`. An attempt that ended without a
 * verdict is remembered: the final answer says whether the command may have taken effect.
 *
 * With the types of the spaces it calls, `new GridClient<typeof shop>(url)` (or a union of
 * several), it knows their names, commands, queries, inputs and results; nothing but types is
 * imported for that. Without them it takes any.
 */
export class GridClient<Spaces extends Space = Space> {
  readonly #options: Required<Omit<GridClientOptions, 'transport'>>
  readonly #transport: Transport
  readonly #prefix: string
  /** Ends what waits for an answer or for its next attempt. */
  readonly #endings = new Set<() => void>()
  /** By space: the newest position that an answer has named, of each partition. */
  readonly #seen = new Map<string, Position>()
  #stopped = false
  #open = 0

  /** @param url of the gateway or of a processing unit: `http://127.0.0.1:8080` */
  constructor(url: URL | string, options: GridClientOptions = {}) {
    const { origin, pathname } = new URL(url)
    this.#prefix = pathname.replace(/\/$/, '')
    this.#transport = options.transport ?? fetchTransport(origin)
    this.#options = {
      retry: options.retry ?? defaultRetry,
      openMax: options.openMax ?? 1024,
      timeoutMs: options.timeoutMs ?? 15_000,
      headers: options.headers ?? {},
      random: options.random ?? Math.random,
    }
  }

  /**
   * The newest position of a space that any answer has named; undefined: none has. A space with
   * several partitions has one for each, together in one token.
   */
  seen(space: string): Position | undefined {
    return this.#seen.get(space)
  }

  /** Requests sent and not yet answered. */
  get open(): number {
    return this.#open
  }

  /**
   * Runs a command, retries included.
   * @throws Rejection when the application refuses, with its reason; GridError with the grid's code
   * otherwise: `outcome_unknown` when it may have taken effect all the same (send it again with the
   * same key)
   */
  async command<
    S extends Spaces['name'],
    Name extends keyof CommandsIn<Spaces, S> & string,
    Result = FromJson<CommandsIn<Spaces, S>[Name]['result']>,
  >(
    space: S,
    name: Name,
    input: CommandsIn<Spaces, S>[Name]['input'],
    options: CommandOptions = {},
  ): Promise<CommandResult<Result>> {
    const answer = await this.answerOfCommand(space, name, input, options)
    if (answer.kind !== 'accepted') throw errorOf(answer)
    const { result, position, replayed = false } = answer
    return { result: result as Result, position, replayed }
  }

  /**
   * Asks a query, retries included.
   * @throws GridError with the grid's code: `not_found`, `invalid_input`, …
   */
  async query<
    S extends Spaces['name'],
    Name extends keyof QueriesIn<Spaces, S> & string,
    Result = FromJson<QueriesIn<Spaces, S>[Name]['result']>,
  >(
    space: S,
    name: Name,
    input: QueriesIn<Spaces, S>[Name]['input'] & object,
    options: QueryOptions = {},
  ): Promise<QueryResult<Result>> {
    const answer = await this.answerOfQuery(space, name, input, options)
    if (answer.kind !== 'accepted') throw errorOf(answer)
    return { result: answer.result as Result, position: answer.position }
  }

  answerOfCommand(
    space: string,
    name: string,
    input: unknown,
    options: CommandOptions = {},
  ): Promise<Answer> {
    const { idempotencyKey = globalThis.crypto.randomUUID(), acknowledge, headers } = options
    return this.#send({
      space,
      method: 'POST',
      path: `/${space}/commands/${name}`,
      headers: {
        'content-type': 'application/json',
        ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }),
        ...(acknowledge === undefined ? {} : { prefer: `ack=${acknowledge}` }),
        ...headers,
      },
      body: JSON.stringify(input),
    })
  }

  answerOfQuery(
    space: string,
    name: string,
    input: object,
    options: QueryOptions = {},
  ): Promise<Answer> {
    return this.#read(space, `/${space}/queries/${name}${queryString({ ...input })}`, options)
  }

  /**
   * Reads an entry by its key, as far as its cache is readable. The result is what the grid tells
   * of it: `value`, `version`, …
   */
  answerOfEntry(
    space: string,
    cache: string,
    key: string,
    options: QueryOptions = {},
  ): Promise<Answer> {
    return this.#read(space, `/${space}/caches/${cache}/${encodeURIComponent(key)}`, options)
  }

  /** Ends everything that is still open; it is answered as failed, outcome unknown. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const end of this.#endings) end()
    await this.#transport.close?.()
  }

  #read(space: string, path: string, { from, headers }: QueryOptions): Promise<Answer> {
    const least = from === 'seen' ? this.#seen.get(space) : from
    return this.#send({ space, method: 'GET', path, headers: { ...freshness(least), ...headers } })
  }

  #saw(space: string, { position }: Accepted): void {
    if (Number.isNaN(position)) return
    const before = this.#seen.get(space)
    this.#seen.set(space, before === undefined ? position : newerPosition(before, position))
  }

  async #send(request: Request): Promise<Answer> {
    let outcomeUnknown = false
    for (let attempts = 1; ; attempts += 1) {
      const { answer, retryable, retryAfterMs } = await this.#attempt(request)
      if (answer.kind === 'shed' || answer.kind === 'failed') {
        outcomeUnknown ||= answer.outcomeUnknown && request.method === 'POST'
        const { retry, random } = this.#options
        const mayRepeat = retryable && !(outcomeUnknown && !('idempotency-key' in request.headers))
        const delayMs = mayRepeat ? retryDelayMs(retry, attempts, retryAfterMs, random) : undefined
        if (delayMs === undefined || !(await this.#pause(delayMs))) {
          return { ...answer, attempts, outcomeUnknown }
        }
      } else {
        if (answer.kind === 'accepted') this.#saw(request.space, answer)
        return { ...answer, attempts }
      }
    }
  }

  /** False when the client was stopped meanwhile. */
  async #pause(delayMs: number): Promise<boolean> {
    if (this.#stopped) return false
    await new Promise<void>((wake) => {
      const end = () => {
        clearTimeout(timer)
        this.#endings.delete(end)
        wake()
      }
      const timer = setTimeout(end, delayMs)
      this.#endings.add(end)
    })
    return !this.#stopped
  }

  async #attempt(request: Request): Promise<Attempt> {
    if (this.#stopped) return { answer: failed(unansweredAtEnd), retryable: false }
    if (this.#open >= this.#options.openMax) {
      return { answer: failed(clientSaturated), retryable: false }
    }
    this.#open += 1
    const { headers, timeoutMs } = this.#options
    const ending = new AbortController()
    const end = () => ending.abort()
    const timer = setTimeout(end, timeoutMs)
    this.#endings.add(end)
    try {
      const response = await this.#transport.send({
        ...request,
        path: this.#prefix + request.path,
        headers: { ...headers, ...request.headers },
        signal: ending.signal,
      })
      return attemptOf(response, retryAfterMsOf(response.header('retry-after'), Date.now()))
    } catch (error) {
      if (this.#stopped) {
        return { answer: failed(unansweredAtEnd, { outcomeUnknown: true }), retryable: false }
      }
      const reason = ending.signal.aborted ? `no answer in ${timeoutMs} ms` : errorReason(error)
      const outcomeUnknown = !neverSent.has(codeOf(error) ?? '')
      return { answer: failed(reason, { cause: error, outcomeUnknown }), retryable: true }
    } finally {
      clearTimeout(timer)
      this.#endings.delete(end)
      this.#open -= 1
    }
  }
}

function freshness(from: Position | 'latest' | undefined): Readonly<Record<string, string>> {
  if (from === undefined) return {}
  return from === 'latest' ? { 'grid-consistency': 'latest' } : { 'grid-position': String(from) }
}

/** Of a connection that was never made: nothing has been sent on it. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT'])

/** `fetch` hides what has happened in the error's cause. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = Object(error) as { readonly code?: unknown; readonly cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? undefined : codeOf(cause)
}

function errorReason(error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined) return `connection failed: ${code}`
  return error instanceof Error ? error.message : 'connection failed'
}
