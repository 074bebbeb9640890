import {
  type AskedBy,
  askedWith,
  type PermissionKind,
  type PermissionName,
  permissionName,
  sees,
} from '../../core/access.ts'
import type { AnyQuery, Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { type HistogramMetric, noTelemetry, type Telemetry } from '../../engine/ports/telemetry.ts'
import type { Tracing } from '../../engine/ports/tracing.ts'
import type { AccessControl, AccessGuard } from './access/access-control.ts'
import { anonymous, type Caller, type Identify } from './caller.ts'
import { LongAnswers } from './long-answers.ts'
import { publicCode } from './public-error.ts'
import type { Request, RequestHeaders } from './request.ts'
import { RequestLines, type RequestLog } from './request-log.ts'
import { type AskedRead, executeOptions, readOptions, requestHeaders } from './request-options.ts'
import type { Steps } from './request-steps.ts'
import { RequestTelemetry } from './request-telemetry.ts'
import { RequestTracing } from './request-tracing.ts'
import type {
  ArchiveAsked,
  ArchivePage,
  ArchiveReads,
  BatchAnswer,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  HistoryPage,
  KeyChange,
  PastReads,
  QueryAnswer,
  ReadOptions,
  Serving,
  StoredAnswer,
} from './serving.ts'
import { StreamTelemetry } from './stream-telemetry.ts'
import type { HistoryOfKey } from './told-history.ts'
import type { WaitingRoomGuard } from './waiting-room-guard.ts'

export interface PipelineOptions {
  /** Who asks, where nothing is kept from anybody. Default: everybody is anonymous. */
  readonly identify?: Identify
  /** Who may what. Default: everybody may everything. */
  readonly access?: AccessControl | undefined
  /** Told how long requests take, and how they end. Default: nobody is. */
  readonly telemetry?: Telemetry
  /** Told of every request, for a log. Default: nobody is. */
  readonly requestLog?: RequestLog | undefined
  /** Told of requests in traces that are kept. Default: nobody is. */
  readonly tracing?: Tracing | undefined
  /** Monotonic ms. Default: those of the process. */
  readonly monotonic?: () => number
  /** Whether callers may have it explained how answers were found. Default true, for developing. */
  readonly explains?: boolean
  /** Asks for admissions where a waiting room is switched on. Default: nobody waits in line. */
  readonly waitingRoom?: WaitingRoomGuard | undefined
}

/**
 * The way of every request, whichever door it comes through: identify, turn away (what an
 * overloaded unit does not take), ask (what its headers want), read (its input), run (the unit
 * validates, admits and executes), answer. A door translates its own format into a request, and the
 * answer or the error back.
 */
export class RequestPipeline {
  readonly longAnswers = new LongAnswers()
  /** undefined: everybody may everything. */
  readonly access: AccessControl | undefined
  readonly #identify: Identify
  readonly #telemetry: Telemetry
  readonly #requestLog: RequestLog | undefined
  readonly #tracing: Tracing | undefined
  readonly #monotonic: () => number
  readonly #explains: boolean
  readonly #room: WaitingRoomGuard | undefined

  constructor(options: PipelineOptions = {}) {
    this.access = options.access
    this.#identify = options.identify ?? anonymous
    this.#telemetry = options.telemetry ?? noTelemetry
    this.#requestLog = options.requestLog
    this.#tracing = options.tracing
    this.#monotonic = options.monotonic ?? (() => performance.now())
    this.#explains = options.explains ?? true
    this.#room = options.waitingRoom
  }

  command(space: string, command: string): RequestPath<ExecuteOptions, CommandAnswer> {
    const steps: Steps<ExecuteOptions, CommandAnswer> = {
      turnAway: (unit, caller) => unit.turnAway?.(command, caller),
      ask: commandOptions,
      run: (unit, input, asked) => unit.execute(command, input, asked),
    }
    const guarded = this.#room?.command(space, command, steps) ?? steps
    return this.#path(latencyOf('command'), [space, command], guarded, 'command')
  }

  query(space: string, asked: PerCaller): RequestPath<AskedRead, QueryAnswer> {
    const { name: query } = asked
    const steps: Steps<AskedRead, QueryAnswer> = {
      ask: (request, caller) => this.#queryOptions(request, caller),
      run: (unit, given, options) => {
        const input = askedWith(asked, given, this.#by(options.caller))
        return options.asOf === undefined
          ? unit.query(query, input, options)
          : pastOf(unit).query(query, input, options.asOf, options)
      },
      permissions: (_input, options) => pastPermission(space, query, options),
    }
    const guarded = this.#room?.query(space, query, steps) ?? steps
    return this.#path(latencyOf('query'), [space, query], guarded, 'query')
  }

  /** Its input is the list of the queries. */
  queries({ name: space, queries }: Space): RequestPath<AskedRead, BatchAnswer> {
    const steps: Steps<AskedRead, BatchAnswer> = {
      ask: (request, caller) => this.#queryOptions(request, caller),
      run: (unit, input, asked) => {
        const batch = this.#batchOf(queries, input, asked.caller)
        return asked.asOf === undefined
          ? unit.queries(batch, asked)
          : pastOf(unit).queries(batch, asked.asOf, asked)
      },
      // Whoever may not ask one of them may not ask any.
      permissions: (input, asked) =>
        namesIn(input).flatMap((name) => [
          permissionName(space, 'query', name),
          ...pastPermission(space, name, asked),
        ]),
    }
    const guarded = this.#room?.batch(space, steps) ?? steps
    const named: Named = [space, 'queries']
    const any = [...queries.keys()].map((name) => permissionName(space, 'query', name))
    return this.#path(latencyOf('batch'), named, guarded, any)
  }

  /** Its input is the entry's key. */
  entry(space: string, of: Ruled): RequestPath<AskedRead, EntryAnswer> {
    const { name: cache } = of
    const steps: Steps<AskedRead, EntryAnswer> = {
      ask: readingOptions,
      run: (unit, input, asked) => {
        const key = input as string
        const answer =
          asked.asOf === undefined
            ? unit.entry(cache, key, asked)
            : pastOf(unit).entry(cache, key, asked.asOf)
        return this.#shown(of, key, answer, asked.caller)
      },
      permissions: (_input, asked) => pastPermission(space, cache, asked),
    }
    return this.#path(latencyOf('entry'), [space, cache], steps, 'cache')
  }

  /** On whose behalf; undefined: nobody is asked who they are. */
  #by(caller: Caller | undefined): AskedBy {
    return this.access && (caller?.identity ?? null)
  }

  /** What is no batch the unit says. */
  #batchOf(
    queries: Space['queries'],
    input: unknown,
    caller: Caller | undefined,
  ): readonly BatchedQuery[] {
    if (!Array.isArray(input)) return input as readonly BatchedQuery[]
    return input.map((one) => {
      const query = queries.get(String(one?.query))
      if (!query?.perCaller) return one
      return { ...one, input: askedWith(query, one.input ?? {}, this.#by(caller)) }
    })
  }

  /** @throws GridError `explain_off`, `invalid_header` */
  #queryOptions(request: RequestHeaders, caller: Caller): AskedRead {
    const explain = request.header(requestHeaders.explain)
    if (explain !== undefined && !this.#explains)
      throw new GridError('explain_off', 'How answers are found is not explained here')
    return readingOptions(request, caller, explain)
  }

  /** The same as the store has it. */
  stored(space: string, of: Ruled): RequestPath<ReadOptions, StoredAnswer> {
    const { name: cache } = of
    const steps: Steps<ReadOptions, StoredAnswer> = {
      ask: presentOptions,
      run: (unit, input, { caller }) => {
        const key = input as string
        return this.#shown(of, key, archiveOf(unit).entry(cache, key), caller)
      },
    }
    return this.#path(latencyOf('archive'), [space, cache], steps, 'archive')
  }

  /** Its input is what is asked of an index. */
  archive(space: string, of: Ruled): RequestPath<ReadOptions, ArchivePage> {
    const { name: cache } = of
    const steps: Steps<ReadOptions, ArchivePage> = {
      ask: presentOptions,
      run: async (unit, input, { caller }) => {
        const page = await archiveOf(unit).range(cache, input as ArchiveAsked)
        const by = this.#by(caller)
        return { ...page, entries: page.entries.filter(({ value }) => sees(of, value, by)) }
      },
    }
    return this.#path(latencyOf('archive'), [space, cache], steps, 'archive')
  }

  /**
   * What is told as it happens, `events` or `queries`. Its input says what that is and where
   * it is told; `begin` admits the reader, and returns when the stream has begun.
   */
  stream<Followed>(
    space: string,
    stream: string,
    begin: (unit: Serving, followed: Followed, asked: StreamOptions) => Promise<void>,
    of: FollowedQuery<Followed> | FollowedEvents<Followed>,
  ): RequestPath<StreamOptions, void> {
    const followed = of as Partial<FollowedQuery<Followed> & FollowedEvents<Followed>>
    const { query, inputOf, any, permissions } = followed
    const steps: Steps<StreamOptions, void> = {
      ask: streamOptions,
      run: (unit, input, asked) => begin(unit, input as Followed, asked),
      ...(permissions ? { permissions: (input) => permissions(input as Followed) } : {}),
    }
    const named: Named = [space, stream]
    if (query === undefined) return this.#path(latencyOf('stream'), named, steps, any ?? [])
    const guarded = this.#room?.query(space, query, steps, (input) => inputOf?.(input as Followed))
    const may = [permissionName(space, 'query', query)]
    return this.#path(latencyOf('stream'), named, guarded ?? steps, may)
  }

  /** On whose behalf something is followed; undefined: nobody is asked who they are. */
  by({ caller }: StreamOptions): AskedBy {
    return this.#by(caller)
  }

  /** For what becomes of a space's streams once they have begun. */
  streamTelemetry(space: string): StreamTelemetry {
    return new StreamTelemetry(this.#telemetry, space)
  }

  /** Its input is the key, and what is asked of its history. */
  history(space: string, of: Ruled): RequestPath<ReadOptions, HistoryPage> {
    const { name: cache } = of
    const steps: Steps<ReadOptions, HistoryPage> = {
      ask: presentOptions,
      run: async (unit, input, { caller }) => {
        const { key, ...asked } = input as HistoryOfKey
        const page = await pastOf(unit).history(cache, key, asked)
        return { ...page, changes: shownChanges(page.changes, of, this.#by(caller)) }
      },
      permissions: () => [permissionName(space, 'past', cache)],
    }
    return this.#path(latencyOf('history'), [space, cache], steps, 'cache')
  }

  /** @throws GridError `not_found` for what is not for whoever asks, as for what is not there */
  #shown<Answer extends { readonly value: unknown }>(
    of: Ruled,
    key: string,
    asked: Promise<Answer>,
    caller: Caller | undefined,
  ): Promise<Answer> {
    const by = this.#by(caller)
    if (by === undefined || !of.visible) return asked
    return asked.then((answer) => {
      if (sees(of, answer.value, by)) return answer
      throw new GridError('not_found', `There is no entry ${JSON.stringify(key)} in ${of.name}`)
    })
  }

  /** @param may what it takes; of several one is enough to come in */
  #path<Asked, Answer>(
    latency: HistogramMetric,
    [space, name]: Named,
    steps: Steps<Asked, Answer>,
    may: PermissionKind | readonly PermissionName[],
  ): RequestPath<Asked, Answer> {
    const told = new RequestTelemetry(this.#telemetry, latency, space, name)
    const [, called = ''] = latency.labels
    const request = `${called} ${name}`
    const watched = {
      traced: this.#tracing && new RequestTracing(this.#tracing, space, called, name),
      lines: this.#requestLog && new RequestLines(this.#requestLog, space, request),
    }
    const permissions = typeof may === 'string' ? [permissionName(space, may, name)] : may
    const guard = this.access?.guard(...permissions)
    return new RequestPath(guard ?? this.#identify, steps, told, this.#monotonic, watched)
  }
}

/** What of a query its way depends on. */
type PerCaller = Pick<AnyQuery, 'name' | 'perCaller'>
/** What of a cache. */
type Ruled = Pick<AnyCache, 'name' | 'visible'>

/** A change of which neither side is for whoever asks is none. */
const shownChanges = (
  changes: readonly KeyChange[],
  of: Ruled,
  by: AskedBy,
): readonly KeyChange[] =>
  by === undefined || !of.visible
    ? changes
    : changes.flatMap(({ from, to, ...change }) => {
        const shown = {
          ...(from && sees(of, from, by) ? { from } : {}),
          ...(to && sees(of, to, by) ? { to } : {}),
        }
        return Object.keys(shown).length === 0 ? [] : [{ ...change, ...shown }]
      })

type Named = readonly [space: string, name: string]

/** A live query: what is asked for it is what is asked for the query. */
export interface FollowedQuery<Followed> {
  readonly query: string
  readonly inputOf: (followed: Followed) => unknown
}

export interface FollowedEvents<Followed> {
  /** One of them is enough to come in. */
  readonly any: readonly PermissionName[]
  /** All that it takes. */
  readonly permissions: (followed: Followed) => readonly PermissionName[]
}

/** What a stream goes on from, and who follows it. */
export interface StreamOptions {
  readonly lastEventId: string | undefined
  readonly caller: Caller
}

/** Who is told of single requests, if anybody is. */
interface Watched {
  readonly traced: RequestTracing | undefined
  readonly lines: RequestLines | undefined
}

/** The pipeline as the requests of one command, query or cache go through it. */
export class RequestPath<Asked, Answer> {
  readonly #identify: Identify
  /** undefined: everybody may. */
  readonly guard: AccessGuard | undefined
  readonly #steps: Steps<Asked, Answer>
  readonly #telemetry: RequestTelemetry
  readonly #monotonic: () => number
  readonly #tracing: RequestTracing | undefined
  readonly #lines: RequestLines | undefined

  constructor(
    who: Identify | AccessGuard,
    steps: Steps<Asked, Answer>,
    telemetry: RequestTelemetry,
    monotonic: () => number,
    { traced, lines }: Watched,
  ) {
    this.#tracing = traced
    this.#lines = lines
    this.guard = typeof who === 'function' ? undefined : who
    this.#identify = typeof who === 'function' ? who : (origin) => who.identify(origin)
    this.#steps = steps
    this.#telemetry = telemetry
    this.#monotonic = monotonic
  }

  async run<Sent>(unit: Serving, request: Request<Asked, Answer, Sent>): Promise<Sent> {
    const begun = this.#monotonic()
    const span = this.#tracing?.begin(request)
    try {
      const identified = this.#identify(request)
      // Whoever is known at once does not wait for a turn.
      const caller = identified instanceof Promise ? await identified : identified
      this.guard?.admit(caller)
      this.#steps.turnAway?.(unit, caller, request)
      const asked = this.#steps.ask(request, caller)
      const input = request.input()
      if (this.guard && this.#steps.permissions)
        this.guard.require(caller, this.#steps.permissions(input, asked))
      const answered = request.answer(await this.#steps.run(unit, input, asked, request), asked)
      const sent = answered instanceof Promise ? await answered : answered
      const ms = this.#monotonic() - begun
      this.#telemetry.succeeded(request.door, ms, span?.traceId)
      span?.end()
      this.#lines?.ended(request, ms, 'ok')
      return sent
    } catch (error) {
      const ms = this.#monotonic() - begun
      const code = publicCode(error)
      this.#telemetry.failed(request.door, ms, code, span?.traceId)
      span?.end(code)
      this.#lines?.ended(request, ms, code)
      return request.refuse(error, unit.position)
    }
  }
}

const commandOptions = (request: RequestHeaders, caller: Caller): ExecuteOptions =>
  executeOptions(
    request.header(requestHeaders.idempotencyKey),
    request.headers(requestHeaders.prefer),
    caller,
    request.header(requestHeaders.timeout),
  )

const readingOptions = (request: RequestHeaders, caller: Caller, explain?: string): AskedRead =>
  readOptions(
    {
      position: request.header(requestHeaders.position),
      consistency: request.header(requestHeaders.consistency),
      staleness: request.header(requestHeaders.staleness),
      explain,
    },
    caller,
  )

/** What it takes besides, where it is asked how things were. */
const pastPermission = (space: string, name: string, { asOf }: AskedRead): PermissionName[] =>
  asOf === undefined ? [] : [permissionName(space, 'past', name)]

/** The queries of a batch, as far as it is one. */
const namesIn = (input: unknown): string[] =>
  Array.isArray(input) ? input.map((one) => String(one?.query)) : []

function streamOptions(request: RequestHeaders, caller: Caller): StreamOptions {
  const id = request.header(requestHeaders.resume)
  // Who has not been told anything yet may send nothing.
  return { lastEventId: id === '' ? undefined : id, caller }
}

/** The store knows the present only. */
function presentOptions(request: RequestHeaders, caller: Caller): ReadOptions {
  const asked = readingOptions(request, caller)
  if (asked.asOf === undefined) return asked
  throw new GridError('position_out_of_reach', 'This can be asked for as it is now only')
}

function pastOf({ past, space }: Serving): PastReads {
  if (past) return past
  throw new GridError(
    'position_out_of_reach',
    `The space ${space.name} cannot be asked for the past`,
  )
}

function archiveOf({ archive, name }: Serving): ArchiveReads {
  if (archive) return archive
  throw new GridError('store_unavailable', `${name} reaches no data reader`)
}

const kinds = {
  command: 'command',
  query: 'query',
  batch: 'batch',
  entry: 'cache',
  archive: 'cache',
  history: 'cache',
  stream: 'stream',
} as const

const latencyOf = (kind: keyof typeof kinds): HistogramMetric => ({
  name: `spacegrid_${kind}_seconds`,
  help: `Time from a request's arrival to its answer, by ${kinds[kind]} and outcome: ok, or an error's code`,
  labels: ['space', kinds[kind], 'outcome'],
  bounds: [
    ...[0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
    ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ],
})

/** How long requests take, a metric for each kind of them. */
export const latencyMetrics = (Object.keys(kinds) as (keyof typeof kinds)[]).map(latencyOf)
