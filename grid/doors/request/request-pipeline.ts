import { GridError } from '../../core/errors.ts'
import { type HistogramMetric, noTelemetry, type Telemetry } from '../../engine/ports/telemetry.ts'
import type { Tracing } from '../../engine/ports/tracing.ts'
import { anonymous, type Caller, type Identify } from './caller.ts'
import { LongAnswers } from './long-answers.ts'
import { publicCode } from './public-error.ts'
import type { Request, RequestHeaders } from './request.ts'
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
  /** Who asks. Default: everybody is anonymous. */
  readonly identify?: Identify
  /** Told how long requests take, and how they end. Default: nobody is. */
  readonly telemetry?: Telemetry
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
  readonly #identify: Identify
  readonly #telemetry: Telemetry
  readonly #tracing: Tracing | undefined
  readonly #monotonic: () => number
  readonly #explains: boolean
  readonly #room: WaitingRoomGuard | undefined

  constructor(options: PipelineOptions = {}) {
    this.#identify = options.identify ?? anonymous
    this.#telemetry = options.telemetry ?? noTelemetry
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
    return this.#path(latencyOf('command'), [space, command], guarded)
  }

  query(space: string, query: string): RequestPath<AskedRead, QueryAnswer> {
    const steps: Steps<AskedRead, QueryAnswer> = {
      ask: (request, caller) => this.#queryOptions(request, caller),
      run: (unit, input, asked) =>
        asked.asOf === undefined
          ? unit.query(query, input, asked)
          : pastOf(unit).query(query, input, asked.asOf, asked),
    }
    const guarded = this.#room?.query(space, query, steps) ?? steps
    return this.#path(latencyOf('query'), [space, query], guarded)
  }

  /** Its input is the list of the queries. */
  queries(space: string): RequestPath<AskedRead, BatchAnswer> {
    const steps: Steps<AskedRead, BatchAnswer> = {
      ask: (request, caller) => this.#queryOptions(request, caller),
      run: (unit, input, asked) => {
        const batch = input as readonly BatchedQuery[]
        return asked.asOf === undefined
          ? unit.queries(batch, asked)
          : pastOf(unit).queries(batch, asked.asOf, asked)
      },
    }
    return this.#path(
      latencyOf('batch'),
      [space, 'queries'],
      this.#room?.batch(space, steps) ?? steps,
    )
  }

  /** Its input is the entry's key. */
  entry(space: string, cache: string): RequestPath<AskedRead, EntryAnswer> {
    return this.#path(latencyOf('entry'), [space, cache], {
      ask: readingOptions,
      run: (unit, input, asked) =>
        asked.asOf === undefined
          ? unit.entry(cache, input as string, asked)
          : pastOf(unit).entry(cache, input as string, asked.asOf),
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
  stored(space: string, cache: string): RequestPath<ReadOptions, StoredAnswer> {
    return this.#path(latencyOf('archive'), [space, cache], {
      ask: presentOptions,
      run: (unit, input) => archiveOf(unit).entry(cache, input as string),
    })
  }

  /** Its input is what is asked of an index. */
  archive(space: string, cache: string): RequestPath<ReadOptions, ArchivePage> {
    return this.#path(latencyOf('archive'), [space, cache], {
      ask: presentOptions,
      run: (unit, input) => archiveOf(unit).range(cache, input as ArchiveAsked),
    })
  }

  /**
   * What is told as it happens, `events` or `queries`. Its input says what that is and where
   * it is told; `begin` admits the reader, and returns when the stream has begun.
   * @param live the query that is followed
   */
  stream<Followed>(
    space: string,
    stream: string,
    begin: (unit: Serving, followed: Followed, asked: StreamOptions) => Promise<void>,
    live?: { readonly query: string; readonly inputOf: (followed: Followed) => unknown },
  ): RequestPath<StreamOptions, void> {
    const steps: Steps<StreamOptions, void> = {
      ask: streamOptions,
      run: (unit, input, asked) => begin(unit, input as Followed, asked),
    }
    const inputOf = live && ((input: unknown) => live.inputOf(input as Followed))
    const guarded = live && this.#room?.query(space, live.query, steps, inputOf)
    return this.#path(latencyOf('stream'), [space, stream], guarded ?? steps)
  }

  /** For what becomes of a space's streams once they have begun. */
  streamTelemetry(space: string): StreamTelemetry {
    return new StreamTelemetry(this.#telemetry, space)
  }

  /** Its input is the key, and what is asked of its history. */
  history(space: string, cache: string): RequestPath<ReadOptions, HistoryPage> {
    return this.#path(latencyOf('history'), [space, cache], {
      ask: presentOptions,
      run: (unit, input) => {
        const { key, ...asked } = input as HistoryOfKey
        return pastOf(unit).history(cache, key, asked)
      },
    })
  }

  #path<Asked, Answer>(
    latency: HistogramMetric,
    [space, name]: readonly [space: string, name: string],
    steps: Steps<Asked, Answer>,
  ): RequestPath<Asked, Answer> {
    const told = new RequestTelemetry(this.#telemetry, latency, space, name)
    const traced = this.#tracing && new RequestTracing(this.#tracing, latency, space, name)
    return new RequestPath(this.#identify, steps, told, this.#monotonic, traced)
  }
}

/** What a stream goes on from, and who follows it. */
export interface StreamOptions {
  readonly lastEventId: string | undefined
  readonly caller: Caller
}

/** The pipeline as the requests of one command, query or cache go through it. */
export class RequestPath<Asked, Answer> {
  readonly #identify: Identify
  readonly #steps: Steps<Asked, Answer>
  readonly #telemetry: RequestTelemetry
  readonly #monotonic: () => number
  readonly #tracing: RequestTracing | undefined

  constructor(
    identify: Identify,
    steps: Steps<Asked, Answer>,
    telemetry: RequestTelemetry,
    monotonic: () => number,
    tracing: RequestTracing | undefined,
  ) {
    this.#tracing = tracing
    this.#identify = identify
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
      this.#steps.turnAway?.(unit, caller, request)
      const asked = this.#steps.ask(request, caller)
      const input = request.input()
      const answered = request.answer(await this.#steps.run(unit, input, asked, request), asked)
      const sent = answered instanceof Promise ? await answered : answered
      this.#telemetry.succeeded(request.door, this.#monotonic() - begun, span?.traceId)
      span?.end()
      return sent
    } catch (error) {
      const code = publicCode(error)
      this.#telemetry.failed(request.door, this.#monotonic() - begun, code, span?.traceId)
      span?.end(code)
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
