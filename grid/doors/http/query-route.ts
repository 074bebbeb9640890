import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnyQuery } from '../../core/definition.ts'
import { positionJson } from '../../core/position.ts'
import type { SpaceQueries } from '../events/space-queries.ts'
import type { QueryAnswer, ReadOptions } from '../request/serving.ts'
import { ResultTags } from './entity-tag.ts'
import { type Door, sendTagged } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import { asksForStream, LiveQueryRoute } from './live-query-route.ts'
import { querySchema } from './open-api.ts'
import { QueryInput } from './query-input.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** What all requests of one query share. */
export interface QueryRoute {
  readonly door: Door
  readonly inputs: QueryInput
  readonly results: ResultSerializer
  readonly tags: ResultTags
}

/** `GET /{space}/queries/{name}?…`. */
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
  const path = door.pipeline.query(space.name, name)
  const live = new LiveQueryRoute(door, name, route.inputs, queries)
  // What reads rows is shown where it has a path of its own.
  const schema = query.rowsOf ? { hide: true } : querySchema(space, query)
  app.get(`/${space.name}/queries/${name}`, { config: { schema } }, (request, reply) =>
    asksForStream(request)
      ? live.join(request, reply, rotation.next())
      : path.run(rotation.next(), new QueryRequest(request, reply, route)),
  )
}

export const queryRouteOf = (door: Door, query: AnyQuery): QueryRoute => ({
  door,
  inputs: new QueryInput(query.input),
  results: new ResultSerializer(query.result),
  tags: new ResultTags(),
})

export class QueryRequest extends HttpRequest<ReadOptions, QueryAnswer> {
  readonly #route: QueryRoute

  constructor(request: FastifyRequest, reply: FastifyReply, route: QueryRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): unknown {
    // The text behind the question mark: see the server's query string parser.
    return this.#route.inputs.parse((this.request.query as { readonly text: string }).text)
  }

  answer({ result, position, ageMs }: QueryAnswer): void {
    const { door, results, tags } = this.#route
    const json = results.serialize(result, this.reply)
    const write = () => `{"result":${json},"position":${positionJson(position)}}`
    sendTagged(door, this.request, this.reply, { position, ageMs, tag: tags.tagOf(json), write })
  }
}
