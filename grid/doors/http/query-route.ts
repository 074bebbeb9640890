import type { FastifyInstance } from 'fastify'
import type { AnyQuery } from '../../core/definition.ts'
import { ResultTags } from './entity-tag.ts'
import { type Door, readOptionsOf, sendTagged } from './exchange.ts'
import { querySchema } from './open-api.ts'
import { QueryInput } from './query-input.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** `GET /{space}/queries/{name}?…`. */
export function addQueryRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  query: AnyQuery,
): void {
  const { space } = rotation
  const { name } = query
  const inputs = new QueryInput(query.input)
  const results = new ResultSerializer(query.result)
  const tags = new ResultTags()
  const schema = querySchema(space, query)
  app.get(`/${space.name}/queries/${name}`, { config: { schema } }, async (request, reply) => {
    const unit = rotation.next()
    try {
      const options = readOptionsOf(request)
      // The text behind the question mark: see the server's query string parser.
      const input = inputs.parse((request.query as { readonly text: string }).text)
      const { result, position } = await unit.query(name, input, options)
      const json = results.serialize(result, reply)
      const write = () => `{"result":${json},"position":${position}}`
      sendTagged(door, request, reply, { position, tag: tags.tagOf(json), write })
    } catch (error) {
      reply.header('grid-position', unit.position)
      throw error
    }
  })
}
