import type { Space } from '@spacegrid/grid/core/definition'
import type { Accepted, Answer, Position } from './answer.ts'
import { errorOf } from './answer-error.ts'
import type {
  CommandOptions,
  CommandResult,
  HistoryOptions,
  QueryOptions,
  QueryResult,
} from './call-options.ts'
import type { EntryHistory } from './entry-history.ts'
import { follow } from './follow.ts'
import { type EventsOptions, eventsPath, type GridEvent, gridEventOf } from './grid-event.ts'
import { type LineOptions, LineVisitor } from './line-visitor.ts'
import { type LiveAnswer, LiveAnswers, type LiveOptions } from './live-answer.ts'
import { queryString } from './query-string.ts'
import type { RequestOptions } from './request-options.ts'
import type { Random, RetryPolicy } from './retry-policy.ts'
import { SeenPositions } from './seen-positions.ts'
import { type Credential, type Patience, type Request, Sender } from './sender.ts'
import type { ArchivedOptions, ArchivedPage, StoredEntry } from './stored-entry.ts'
import { type Call, fetchTransport, type Transport } from './transport.ts'
import type { CachesIn, CommandsIn, FromJson, QueriesIn } from './typed-calls.ts'

export interface GridClientOptions {
  /**
   * Default: five retries, no longer wait than 10 s, and a budget of 100 for all requests together.
   */
  readonly retry?: RetryPolicy
  /**
   * Requests open at once; one more is not sent, and fails as `client saturated`. Default 1,024.
   */
  readonly openMax?: number
  /** An attempt without a complete answer for this long has failed. In ms. Default 15,000. */
  readonly timeoutMs?: number
  /** Sent with every request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Says who the client is, where the grid asks: what the header `Authorization` says at the
   * moment, `Bearer …` or `Api-Key …`. After a 401 it is asked for a fresh one, and the request
   * sent once more. Default: nobody.
   */
  readonly credential?: Credential
  /** Spreads retries. Default `Math.random`. */
  readonly random?: Random
  /** How requests travel. Default: `fetch`. */
  readonly transport?: Transport
  /**
   * Stands in line where that is asked for, and sends the request when it is its turn; `true`: in
   * everybody's lane, for as long as it takes. Each session stands in line for itself, by `fetch`.
   * Default: such a request fails with `admission_required`.
   */
  readonly waitingRoom?: LineOptions | boolean
}

const defaultRetry: RetryPolicy = { retriesMax: 5, retryAfterMaxMs: 10_000, budget: 100 }

/**
 * A caller's view of the grid. Commands carry an idempotency key, and every retry carries the same
 * one, so a command whose first answer was lost takes effect once. `command` and `query` return
 * results and throw what went wrong; `answerOfCommand` and `answerOfQuery` never throw for what the
 * grid or the network does: every ending is an `Answer`. An attempt that ended without a verdict is
 * remembered: the final answer says whether the command may have taken effect.
 *
 * It speaks HTTP, in Node and in browsers; over NATS with a transport of `spacegrid/client/nats`.
 *
 * With the types of the spaces it calls, `new GridClient<typeof shop>(url)` (or a union of
 * several), it knows their names, commands, queries, inputs and results; nothing but types is
 * imported for that. Without them it takes any.
 */
export class GridClient<Spaces extends Space = Space> {
  readonly #prefix: string
  readonly #sender: Sender
  readonly #seen: SeenPositions
  /** What its queries answer from, unless they say otherwise. */
  readonly #from: 'seen' | undefined
  readonly #url: URL | string
  readonly #line: LineOptions | undefined
  /** undefined: it does not stand in line. */
  readonly #visitor: LineVisitor | undefined

  /** @param url of the gateway or of a processing unit: `http://127.0.0.1:8080` */
  constructor(url: URL | string, options: GridClientOptions = {}, of?: SessionOf) {
    const { origin, pathname } = new URL(url)
    this.#prefix = of?.prefix ?? pathname.replace(/\/$/, '')
    this.#seen = of?.seen ?? new SeenPositions()
    this.#from = of ? 'seen' : undefined
    this.#sender =
      of?.sender ??
      new Sender(options.transport ?? fetchTransport(origin), {
        retry: options.retry ?? defaultRetry,
        openMax: options.openMax ?? 1024,
        timeoutMs: options.timeoutMs ?? 15_000,
        headers: options.headers ?? {},
        credential: options.credential,
        random: options.random ?? Math.random,
      })
    this.#url = url
    const { waitingRoom } = options
    this.#line = of?.line ?? (waitingRoom === true ? {} : waitingRoom || undefined)
    this.#visitor = this.#line && new LineVisitor(origin, this.#line)
  }

  /**
   * One user's view of the grid, over the same connections: its queries see everything that it has
   * been told before, whichever unit answers. That is where it is in each space; `seenBefore` goes
   * on where another one was (`positions`), on another machine too.
   */
  session(seenBefore: Readonly<Record<string, Position>> = {}): GridClient<Spaces> {
    const seen = new SeenPositions(seenBefore)
    const shared = { sender: this.#sender, prefix: this.#prefix, line: this.#line }
    return new GridClient(this.#url, {}, { ...shared, seen })
  }

  /** Of each space the newest position that an answer has named: to be kept with a session. */
  get positions(): Readonly<Record<string, Position>> {
    return this.#seen.all
  }

  /**
   * The newest position of a space that any answer has named; undefined: none has. A space with
   * several partitions has one for each, together in one token.
   */
  seen(space: string): Position | undefined {
    return this.#seen.in(space)
  }

  /** Requests sent and not yet answered, those of sessions included. */
  get open(): number {
    return this.#sender.open
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
    const { result, position, replayed = false } = acceptedOf(answer, options)
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
    const { result, position } = acceptedOf(answer, options)
    return { result: result as Result, position }
  }

  async answerOfCommand(
    space: string,
    name: string,
    input: unknown,
    options: CommandOptions = {},
  ): Promise<Answer> {
    const { idempotencyKey = newKey(), acknowledge, headers } = options
    const request: Request = {
      call: { space, kind: 'command', name, input },
      method: 'POST',
      path: `${this.#prefix}/${space}/commands/${name}`,
      headers: {
        'content-type': 'application/json',
        ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }),
        ...(acknowledge === undefined ? {} : { prefer: `ack=${acknowledge}` }),
        ...headers,
      },
      body: JSON.stringify(input),
    }
    return this.#told(space, await this.#send(request, options))
  }

  answerOfQuery(
    space: string,
    name: string,
    input: object,
    options: QueryOptions = {},
  ): Promise<Answer> {
    const path = `/${space}/queries/${name}${queryString({ ...input })}`
    return this.#read({ space, kind: 'query', name, input }, path, options)
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
    const path = `/${space}/caches/${cache}/${encodeURIComponent(key)}`
    return this.#read({ space, kind: 'entry', name: cache }, path, options)
  }

  /**
   * What has become of an entry of a readable cache, the newest first, whether it is there or not:
   * as far back as the past of the space is kept. A page may have fewer changes than asked for, and
   * a `next` all the same.
   * @param asked `limit`: 1 to 100, 20 when left out; `cursor`: `next` of the page before
   * @throws GridError with the grid's code: `unknown_cache`, `position_out_of_reach`, …
   */
  async history<S extends Spaces['name']>(
    space: S,
    cache: CachesIn<Spaces, S>,
    key: string,
    asked: HistoryOptions = {},
  ): Promise<EntryHistory> {
    const { limit, cursor, ...options } = asked
    const page = { limit, cursor: cursor ?? undefined }
    const path = `/${space}/caches/${cache}/${encodeURIComponent(key)}/history${queryString(page)}`
    const call: Call = { space, kind: 'history', name: cache, input: { key, ...page } }
    return acceptedOf(await this.#read(call, path, options), options).result as EntryHistory
  }

  /**
   * An entry of a readable cache as the store has it, a moment behind the units, whether it is in
   * memory or has left it.
   * @throws GridError with the grid's code: `not_found`, `store_unavailable`, …
   */
  async stored<S extends Spaces['name']>(
    space: S,
    cache: CachesIn<Spaces, S>,
    key: string,
    options: RequestOptions = {},
  ): Promise<StoredEntry> {
    const path = `/${space}/archive/${cache}/${encodeURIComponent(key)}`
    const { result, position } = await this.#archive(space, cache, path, options)
    return { ...(result as Omit<StoredEntry, 'position'>), position }
  }

  /**
   * Entries of a readable cache that have left memory, in the order of an index, page by page.
   * @throws GridError with the grid's code: `invalid_input`, `store_unavailable`, …
   */
  async archived<S extends Spaces['name']>(
    space: S,
    cache: CachesIn<Spaces, S>,
    { headers, signal, deadlineMs, cursor, ...asked }: ArchivedOptions,
  ): Promise<ArchivedPage> {
    const page = queryString({ ...asked, cursor: cursor ?? undefined })
    const options = {
      ...(headers ? { headers } : {}),
      ...(signal ? { signal } : {}),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    }
    const path = `/${space}/archive/${cache}${page}`
    return (await this.#archive(space, cache, path, options)).result as ArchivedPage
  }

  async #archive(
    space: string,
    cache: string,
    path: string,
    options: RequestOptions,
  ): Promise<Accepted> {
    // The store is behind the units: to be where the caller was nobody waits.
    const answer = await this.#read({ space, kind: 'archive', name: cache }, path, {
      ...options,
      from: 'any',
    })
    return acceptedOf(answer, options)
  }

  /**
   * What happens in a space, as it happens: domain events and, if asked for, changes of entries. A
   * connection that is lost is made again, to any unit, and goes on behind the last event: none is
   * lost, none comes twice; where that cannot be, a `reset` says so. Ends when the loop over it
   * does, with the signal, or with the client.
   * @throws GridError, of the loop: when it will not be answered (`invalid_input`, …);
   * `no_responder` when nobody could be reached for `patienceMs`
   */
  async *events(
    space: Spaces['name'],
    options: EventsOptions = {},
  ): AsyncGenerator<GridEvent, void> {
    const request: Request = {
      call: { space, kind: 'events', name: '' },
      method: 'GET',
      path: this.#prefix + eventsPath(space, options),
      headers: { ...options.headers },
    }
    for await (const { type, data, id } of follow(this.#sender, request, options)) {
      const event = gridEventOf(type, data, id)
      this.#seen.saw(space, event)
      yield event
    }
  }

  /**
   * How a query is answered, now and whenever that changes, for as long as the loop over it lasts.
   * What comes is always the whole answer, whatever of it has changed; of changes that follow one
   * another closely only the last one. A connection that is lost is made again, to any unit; an
   * answer that is still the same is not told again.
   * @throws GridError, of the loop: when it cannot be asked at all (`invalid_input`, …), or nobody
   * could be reached for `patienceMs`
   */
  async *live<
    S extends Spaces['name'],
    Name extends keyof QueriesIn<Spaces, S> & string,
    Result = FromJson<QueriesIn<Spaces, S>[Name]['result']>,
  >(
    space: S,
    name: Name,
    input: QueriesIn<Spaces, S>[Name]['input'] & object,
    options: LiveOptions = {},
  ): AsyncGenerator<LiveAnswer<Result>, void> {
    const request: Request = {
      call: { space, kind: 'live', name, input },
      method: 'GET',
      path: `${this.#prefix}/${space}/queries/${name}${queryString({ ...(input as object) })}`,
      headers: { ...options.headers },
    }
    const answers = new LiveAnswers()
    for await (const event of follow(this.#sender, request, options)) {
      const answer = answers.take(event)
      if (!answer) continue
      if (answer.error === undefined) this.#seen.saw(space, answer)
      yield answer as LiveAnswer<Result>
    }
  }

  /** Ends everything that is still open, of its sessions too; it is failed, outcome unknown. */
  async stop(): Promise<void> {
    await this.#sender.stop()
  }

  async #read(call: Call, path: string, options: QueryOptions): Promise<Answer> {
    const { from = this.#from, at, headers } = options
    if (at !== undefined) {
      const asOf = { 'grid-position': `=${at instanceof Date ? at.toISOString() : at}` }
      const past: Request = {
        ...{ call, method: 'GET', path: this.#prefix + path },
        headers: { ...asOf, ...headers },
      }
      return this.#told(call.space, await this.#send(past, options))
    }
    const seen = from === 'seen' ? this.#seen.in(call.space) : undefined
    const asked = (least: QueryOptions['from']) =>
      this.#send(
        {
          ...{ call, method: 'GET', path: this.#prefix + path },
          headers: { ...freshness(least), ...headers },
        },
        options,
      )
    const answer = await asked(from === 'seen' ? seen : from)
    if (seen === undefined || !isOfOtherLog(answer)) return this.#told(call.space, answer)
    this.#seen.forget(call.space)
    return this.#told(call.space, await asked(undefined))
  }

  /** In line as often as it has to; a turn may be over before the request has come. */
  async #send(request: Request, patience: Patience): Promise<Answer> {
    const visitor = this.#visitor
    if (!visitor) return await this.#sender.send(request, patience)
    const { space } = request.call
    for (let turns = 0; ; turns++) {
      const headers = { ...visitor.headersFor(space), ...request.headers }
      const answer = await this.#sender.send({ ...request, headers }, patience)
      const refused = visitor.lineOf(answer)
      if (!refused || turns === turnsMax) return answer
      const { signal } = patience
      const pause = (ms: number) => this.#sender.pause(ms, signal)
      if (!(await visitor.admitted(refused, { signal, pause }))) return answer
    }
  }

  #told(space: string, answer: Answer): Answer {
    if (answer.kind === 'accepted') this.#seen.saw(space, answer)
    return answer
  }
}

/** What a session shares with the client that it is of. */
export interface SessionOf {
  readonly sender: Sender
  readonly seen: SeenPositions
  readonly prefix: string
  readonly line: LineOptions | undefined
}

/** Times that one request stands in line. */
const turnsMax = 3

/** @throws what any other answer means to the caller */
function acceptedOf(answer: Answer, { signal }: Patience): Accepted {
  if (answer.kind === 'accepted') return answer
  const isGivenUp = answer.kind === 'failed' && signal?.aborted === true
  throw isGivenUp && !answer.outcomeUnknown ? signal.reason : errorOf(answer)
}

/** Browsers have `randomUUID` only on pages that came over TLS, or from this machine. */
function newKey(): string {
  if (typeof globalThis.crypto.randomUUID === 'function') return globalThis.crypto.randomUUID()
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const isOfOtherLog = (answer: Answer): boolean =>
  answer.kind === 'failed' && answer.problem?.code === 'invalid_header'

function freshness(from: QueryOptions['from']): Readonly<Record<string, string>> {
  if (from === undefined || from === 'any') return {}
  return from === 'latest' ? { 'grid-consistency': 'latest' } : { 'grid-position': String(from) }
}
