import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnyQuery } from '../../core/definition.ts'
import { positionJson } from '../../core/position.ts'
import { invalidField } from '../../core/validation.ts'
import type { SpaceQueries } from '../events/space-queries.ts'
import { ageText } from '../request/answer-headers.ts'
import { parseJsonInput } from '../request/json-input.ts'
import { isLong } from '../request/long-answers.ts'
import { publicError } from '../request/public-error.ts'
import { toldAnswers } from '../request/query-batch.ts'
import { requestHeaders } from '../request/request-options.ts'
import type { BatchAnswer, QueryAnswer, ReadOptions } from '../request/serving.ts'
import { ResultTags, tagOfBytes } from './entity-tag.ts'
import { type Door, sendJson, sendTagged } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import { asksForStream, LiveQueryRoute } from './live-query-route.ts'
import { QueryInput } from './query-input.ts'
import { batchSchema, postedQuerySchema, querySchema } from './query-schema.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** What all requests of one query share. */
export interface QueryRoute {
  readonly door: Door
  readonly inputs: QueryInput
  readonly results: ResultSerializer
  readonly tags: ResultTags
}

/** `GET /{space}/queries/{name}?…`, and `POST` with the input as JSON. */
export function addQueryRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  query: AnyQuery,
  queries: SpaceQueries,
): void {
  const { space } = rotation
  const { name } = query
  const route = queryRouteOf(door, query)
  const path = door.pipeline.query(space.name, query)
  const live = new LiveQueryRoute(door, space.name, query, route.inputs, queries)
  const url = `/${space.name}/queries/${name}`
  // What reads rows is shown where it has a path of its own.
  const schema = query.rowsOf ? { hide: true } : querySchema(space, query)
  app.get(url, { config: { schema, path } }, (request, reply) =>
    asksForStream(request)
      ? live.join(request, reply, rotation.next())
      : path.run(rotation.next(), new QueryRequest(request, reply, route)),
  )
  const posted = query.rowsOf ? { hide: true } : postedQuerySchema(space, query)
  app.post(url, { config: { schema: posted, path } }, (request, reply) =>
    path.run(rotation.next(), new PostedQueryRequest(request, reply, route)),
  )
}

/** `POST /{space}/queries`, with a list of queries. */
export function addBatchRoute(app: FastifyInstance, door: Door, rotation: UnitRotation): void {
  const { space } = rotation
  const path = door.pipeline.queries(space)
  const schema = batchSchema(space)
  app.post(`/${space.name}/queries`, { config: { schema, path } }, (request, reply) =>
    path.run(rotation.next(), new BatchRequest(request, reply, door)),
  )
}

export const queryRouteOf = (door: Door, query: AnyQuery): QueryRoute => ({
  door,
  inputs: new QueryInput(query.input),
  results: new ResultSerializer(query.result),
  tags: new ResultTags(),
})

const resultBegins = Buffer.from('{"result":')

export class QueryRequest extends HttpRequest<ReadOptions, QueryAnswer> {
  readonly #route: QueryRoute

  /** The text behind the question mark: see the server's query string parser. */
  get #text(): string {
    return (this.request.query as { readonly text: string }).text
  }

  override header(name: string): string | undefined {
    const value = super.header(name)
    const isAsked = name === requestHeaders.explain && value === undefined
    return isAsked && this.#route.inputs.explains(this.#text) ? 'true' : value
  }

  constructor(request: FastifyRequest, reply: FastifyReply, route: QueryRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): unknown {
    return this.#route.inputs.parse(this.#text)
  }

  answer(answer: QueryAnswer, asked: ReadOptions): void | Promise<void> {
    const { result } = answer
    if (isLong(result)) return this.#answerLong(answer, asked)
    const { results, tags } = this.#route
    const json = results.serialize(result, this.reply)
    const write = () => `{"result":${json}${this.#restOf(answer)}`
    this.#send(answer, tags.tagOf(json), write)
  }

  async #answerLong(answer: QueryAnswer, asked: ReadOptions): Promise<void> {
    const written = this.#route.door.pipeline.longAnswers.write(answer.result)
    asked.writing = written.then(({ ms }) => ms)
    const { json } = await written
    const rest = Buffer.from(this.#restOf(answer))
    this.#send(answer, tagOfBytes(json), () => Buffer.concat([resultBegins, json, rest]))
  }

  #restOf({ position, explanation }: QueryAnswer): string {
    const more = explanation ? `,"explanation":${JSON.stringify(explanation)}` : ''
    return `,"position":${positionJson(position)}${more}}`
  }

  #send({ position, ageMs }: QueryAnswer, tag: string, write: () => string | Buffer): void {
    sendTagged(this.#route.door, this.request, this.reply, { position, ageMs, tag, write })
  }
}

/** Its parameters behind the question mark are none but `explain`. */
class PostedQueryRequest extends QueryRequest {
  override input(): unknown {
    const [parameter] = Object.keys(super.input() as object)
    if (parameter === undefined) return bodyOf(this.request)
    throw invalidField(parameter, 'is not taken here: the input is the body')
  }
}

const answersBegin = Buffer.from('{"answers":')

class BatchRequest extends HttpRequest<ReadOptions, BatchAnswer> {
  readonly #door: Door

  constructor(request: FastifyRequest, reply: FastifyReply, door: Door) {
    super(request, reply)
    this.#door = door
  }

  input(): unknown {
    return bodyOf(this.request)
  }

  answer(answer: BatchAnswer, asked: ReadOptions): void | Promise<void> {
    const { answers, position } = answer
    const told = toldAnswers(answers, (error) => publicError(error, this.#door.log, this.trace))
    const rest = `,"position":${positionJson(position)}}`
    if (isLong(told)) return this.#answerLong(answer, told, rest, asked)
    this.#send(answer, `{"answers":${JSON.stringify(told)}${rest}`)
  }

  async #answerLong(
    answer: BatchAnswer,
    told: readonly object[],
    rest: string,
    asked: ReadOptions,
  ): Promise<void> {
    const written = this.#door.pipeline.longAnswers.write(told)
    asked.writing = written.then(({ ms }) => ms)
    const { json } = await written
    this.#send(answer, Buffer.concat([answersBegin, json, Buffer.from(rest)]))
  }

  #send({ position, ageMs }: BatchAnswer, body: string | Buffer): void {
    const headers = ['grid-position', String(position), 'cache-control', 'no-cache']
    if (ageMs !== undefined) headers.push('grid-age', ageText(ageMs))
    sendJson(this.#door, this.reply, headers, body)
  }
}

/** The bytes themselves: see the server's content type parser. */
const bodyOf = ({ body }: FastifyRequest): unknown =>
  parseJsonInput((body as Uint8Array | undefined) ?? nothing)

const nothing = new Uint8Array(0)
