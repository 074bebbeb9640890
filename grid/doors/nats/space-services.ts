import type { AnyCommand, AnyQuery, Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { logNameOf } from '../../core/log-name.ts'
import { calledCommands } from '../../core/parts.ts'
import type { PositionToken } from '../../core/position.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import type {
  Endpoint,
  Message,
  Messaging,
  Responder,
  Subscription,
} from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { ageText, commandHeaders, type HeaderNames } from '../request/answer-headers.ts'
import { parseJsonInput } from '../request/json-input.ts'
import { isLong } from '../request/long-answers.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import { batchQueriesMax, toldAnswers } from '../request/query-batch.ts'
import { readableCaches } from '../request/readable-caches.ts'
import { requestHeaders } from '../request/request-options.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import type {
  BatchAnswer,
  CommandAnswer,
  ExecuteOptions,
  HistoryPage,
  QueryAnswer,
  ReadOptions,
  Serving,
} from '../request/serving.ts'
import { checkedHistoryOfKey, historyInput, toldHistory } from '../request/told-history.ts'
import { NatsRequest, type NatsRoute } from './nats-request.ts'

export interface SpaceServicesOptions {
  /** Told about bugs behind an `internal` answer. */
  readonly log: FaultLog
  /** The way of the requests. Default: one of its own, in which everybody is anonymous. */
  readonly pipeline?: RequestPipeline
  /** Version of the application, semantic. Default `0.0.0`. */
  readonly version?: string
  /** Whether commands are taken. Default true. */
  readonly takesCommands?: boolean
  /** The one partition that is served. Default: all that the space has. */
  readonly partition?: number
  /** Where the process is, for whoever looks for units. Default: nobody is told. */
  readonly place?: UnitPlaceTold
}

/** What a unit's services say of the process that they are in. */
export interface UnitPlaceTold {
  readonly unit: string
  /** As in its status. */
  readonly role: string
  /** Address of its public HTTP. */
  readonly http: string
  /** Address of health, status and metrics. Absent where nobody knows which port it has got. */
  readonly admin?: string
}

/**
 * Serves a unit's commands and queries, and histories of entries, over messaging, for callers in
 * any language: JSON in, JSON out, the shapes and the headers of the HTTP door. Units of one space
 * share the requests. Errors travel as GridErrors; a rejection's reason is in its details. The
 * subjects stay open until the subscription is stopped: a unit that leaves service stops it, or its
 * callers get `not_ready` from it.
 */
export function serveSpace(
  messaging: Messaging,
  unit: Serving,
  options: SpaceServicesOptions,
): Promise<Subscription> {
  const { space } = unit
  const { partition, place, takesCommands = true } = options
  const logName = logNameOf(space.name, partition)
  const { log, pipeline = new RequestPipeline() } = options
  const { longAnswers } = pipeline
  const route: NatsRoute = { log, longAnswers, bytesMax: messaging.messageBytesMax }
  const endpoint = (kind: string, it: AnyCommand | AnyQuery, subject: string, respond: Responder) =>
    endpointOf(space, kind, it, subject, respond)
  const called = takesCommands ? calledCommands(space) : []
  const commands = called.map((command) => {
    const path = pipeline.command(space.name, command.name)
    return endpoint('command', command, subjects.command(logName, command.name), (message) =>
      path.run(unit, new CommandRequest(message, route)),
    )
  })
  const queries = [...space.queries.values()].map((query) => {
    const path = pipeline.query(space.name, query)
    return endpoint('query', query, subjects.query(logName, query.name), (message) =>
      path.run(unit, new QueryRequest(message, route)),
    )
  })
  const path = pipeline.queries(space)
  const batch: Endpoint = {
    subject: subjects.queries(logName),
    description: 'Several queries at one position: [{"query": name, "input": {…}}, …]',
    metadata: { kind: 'queries', input: JSON.stringify(batchInput([...space.queries.keys()])) },
    respond: (message) => path.run(unit, new BatchRequest(message, route)),
  }
  const histories = [...readableCaches(space, false)].map(([cache, fields]): Endpoint => {
    const of = space.caches.find(({ name }) => name === cache) as AnyCache
    const path = pipeline.history(space.name, of)
    return {
      subject: subjects.history(logName, cache),
      description: `What has become of an entry of cache ${cache}, the newest first`,
      metadata: { kind: 'history', input: JSON.stringify(historyInput) },
      respond: (message) =>
        path.run(unit, new HistoryRequest(message, { ...route, cache, fields })),
    }
  })
  return messaging.serve({
    name: `spacegrid-${partition === undefined ? space.name : `${space.name}-${partition}`}`,
    version: options.version ?? '0.0.0',
    description: space.description ?? `Commands and queries of space ${space.name}`,
    ...(place === undefined ? {} : { metadata: { ...place } }),
    endpoints: [...commands, ...queries, ...(queries.length > 0 ? [batch] : []), ...histories],
  })
}

/** The JSON Schema of several queries at once. */
const batchInput = (names: readonly string[]) => ({
  ...{ type: 'array', minItems: 1, maxItems: batchQueriesMax },
  items: {
    type: 'object',
    required: ['query'],
    properties: { query: { type: 'string', enum: names }, input: { type: 'object' } },
  },
})

/** Of a divided space whoever asks can find out which partition it is about. */
const endpointOf = (
  { partitions = 1 }: Space,
  kind: string,
  { description, input, partitionBy }: AnyCommand | AnyQuery,
  subject: string,
  respond: Responder,
): Endpoint => ({
  subject,
  ...(description === undefined ? undefined : { description }),
  metadata: {
    ...{ kind, input: JSON.stringify(input) },
    ...(partitions > 1 && partitionBy
      ? { partitions: String(partitions), partitionBy: JSON.stringify(partitionBy) }
      : undefined),
  },
  respond,
})

const headerNames: HeaderNames = {
  position: requestHeaders.position,
  replayed: 'Idempotency-Replayed',
  applied: 'Preference-Applied',
}

class CommandRequest extends NatsRequest<ExecuteOptions, CommandAnswer> {
  input(): unknown {
    return parseJsonInput(this.message.data)
  }

  answer(answer: CommandAnswer, asked: ExecuteOptions): Message {
    const { result, position, version } = answer
    const body = { result: result ?? null, position, version }
    return message(body, this.route.bytesMax, commandHeaders(headerNames, answer, asked))
  }
}

class QueryRequest extends NatsRequest<ReadOptions, QueryAnswer> {
  input(): unknown {
    const { data } = this.message
    // Most queries take few fields or none: an empty message is an empty input.
    return data.length === 0 ? {} : parseJsonInput(data)
  }

  answer(
    { result, position, ageMs, explanation }: QueryAnswer,
    asked: ReadOptions,
  ): Message | Promise<Message> {
    const body = { result: result ?? null, position, ...(explanation ? { explanation } : {}) }
    return readMessage(body, this.route, readHeaders({ position, ageMs }), asked)
  }
}

class BatchRequest extends NatsRequest<ReadOptions, BatchAnswer> {
  input(): unknown {
    return parseJsonInput(this.message.data)
  }

  answer(
    { answers, position, ageMs }: BatchAnswer,
    asked: ReadOptions,
  ): Message | Promise<Message> {
    const told = toldAnswers(answers, (error) => publicError(error, this.route.log, this.trace))
    const body = { answers: told, position }
    return readMessage(body, this.route, readHeaders({ position, ageMs }), asked)
  }
}

interface HistoryRoute extends NatsRoute {
  readonly cache: string
  readonly fields: ReadableFields
}

class HistoryRequest extends NatsRequest<ReadOptions, HistoryPage> {
  readonly #route: HistoryRoute

  constructor(message: Message, route: HistoryRoute) {
    super(message, route)
    this.#route = route
  }

  input(): unknown {
    return checkedHistoryOfKey(this.#route.cache, parseJsonInput(this.message.data))
  }

  answer(page: HistoryPage): Message {
    const { bytesMax, fields } = this.#route
    const { position } = page
    return message(toldHistory(page, fields), bytesMax, readHeaders({ position, ageMs: undefined }))
  }
}

/** Names and values in turn. */
function readHeaders({
  position,
  ageMs,
}: {
  readonly position: PositionToken
  readonly ageMs: number | undefined
}): string[] {
  const headers = [headerNames.position, String(position)]
  if (ageMs !== undefined) headers.push('Grid-Age', ageText(ageMs))
  return headers
}

/** What our headers take of a message at most. */
const headerBytesMax = 512

interface Body {
  readonly result?: unknown
  readonly answers?: unknown
  readonly changes?: unknown
  readonly position: PositionToken
  readonly version?: number
}

/** What is long is written in slices. */
function readMessage(
  body: Body,
  { bytesMax, longAnswers }: NatsRoute,
  headers: readonly string[],
  asked: ReadOptions,
): Message | Promise<Message> {
  if (!isLong(body)) return message(body, bytesMax, headers)
  const written = longAnswers.write(body)
  asked.writing = written.then(({ ms }) => ms)
  return written.then(({ json }) => message(body, bytesMax, headers, json))
}

/** @param headers names and values in turn */
function message(
  body: Body,
  bytesMax: number,
  headers: readonly string[],
  data: Buffer = Buffer.from(JSON.stringify(body)),
): Message {
  if (data.length + headerBytesMax > bytesMax) {
    const text = `The answer has ${data.length} bytes, a message takes ${bytesMax}; ask over HTTP, or for less`
    // A command has taken effect all the same: its position and version say so.
    const { position, version } = body
    const details = { position, version, bytes: data.length, bytesMax }
    throw new GridError('body_too_large', text, { details })
  }
  const record: Record<string, string> = {}
  for (let at = 0; at < headers.length; at += 2)
    record[headers[at] as string] = headers[at + 1] as string
  return { data, headers: record }
}
