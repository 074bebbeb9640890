import type { FastifyInstance } from 'fastify'
import type { AnyQuery } from '../../core/definition.ts'
import type { Door } from './exchange.ts'
import { querySchema } from './open-api.ts'
import { QueryRequest, queryRouteOf } from './query-route.ts'
import type { UnitRotation } from './unit-rotation.ts'

/**
 * `GET /{space}/projections/{name}/{key}`, one row, and `GET /{space}/projections/{name}?…`, a
 * range of them: the queries `{name}.row` and `{name}.rows` under the address of what they read.
 */
export function addProjectionRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  query: AnyQuery,
): void {
  const { rowsOf } = query
  if (!rowsOf) return
  const { space } = rotation
  const route = queryRouteOf(door, query)
  const path = door.pipeline.query(space.name, query.name)
  const url = `/${space.name}/projections/${rowsOf.projection}`
  const { querystring, ...others } = querySchema(space, query)
  if (rowsOf.kind === 'rows')
    app.get(url, { config: { schema: { ...others, querystring } } }, (request, reply) =>
      path.run(rotation.next(), new QueryRequest(request, reply, route)),
    )
  else
    app.get(
      `${url}/:key`,
      { config: { schema: { ...others, params: querystring } } },
      (request, reply) => path.run(rotation.next(), new RowRequest(request, reply, route)),
    )
}

class RowRequest extends QueryRequest {
  override input(): unknown {
    return { key: (this.request.params as { readonly key: string }).key }
  }
}
