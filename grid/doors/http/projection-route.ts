import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AnyQuery } from '../../core/definition.ts'
import type { SpaceQueries } from '../events/space-queries.ts'
import type { Door } from './exchange.ts'
import { asksForStream, LiveQueryRoute } from './live-query-route.ts'
import { QueryRequest, queryRouteOf } from './query-route.ts'
import { querySchema } from './query-schema.ts'
import type { UnitRotation } from './unit-rotation.ts'

/**
 * `GET /{space}/projections/{name}/{key}`, one row, and `GET /{space}/projections/{name}?…`, a
 * range of them: the queries `{name}.row` and `{name}.rows` under the address of what they read,
 * live as those are.
 */
export function addProjectionRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  query: AnyQuery,
  queries: SpaceQueries,
): void {
  const { rowsOf } = query
  if (!rowsOf) return
  const { space } = rotation
  const route = queryRouteOf(door, query)
  const path = door.pipeline.query(space.name, query)
  const live = new LiveQueryRoute(door, space.name, query, route.inputs, queries)
  const url = `/${space.name}/projections/${rowsOf.projection}`
  const { querystring, ...others } = querySchema(space, query)
  if (rowsOf.kind === 'rows')
    app.get(url, { config: { schema: { ...others, querystring }, path } }, (request, reply) =>
      asksForStream(request)
        ? live.join(request, reply, rotation.next())
        : path.run(rotation.next(), new QueryRequest(request, reply, route)),
    )
  else
    app.get(
      `${url}/:key`,
      { config: { schema: { ...others, params: querystring }, path } },
      (request, reply) =>
        asksForStream(request)
          ? live.join(request, reply, rotation.next(), keyOf(request))
          : path.run(rotation.next(), new RowRequest(request, reply, route)),
    )
}

const keyOf = (request: FastifyRequest) => ({
  key: (request.params as { readonly key: string }).key,
})

class RowRequest extends QueryRequest {
  override input(): unknown {
    return keyOf(this.request)
  }
}
