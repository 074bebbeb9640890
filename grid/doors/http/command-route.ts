import type { FastifyInstance } from 'fastify'
import type { AnyCommand } from '../../core/definition.ts'
import { parseJsonInput } from '../request/json-input.ts'
import { executeOptions, requestHeaders } from '../request/request-options.ts'
import { type Door, headerOf, oneHeaderOf, sendJson } from './exchange.ts'
import { commandSchema } from './open-api.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

const nothing = new Uint8Array(0)

/** `POST /{space}/commands/{name}`. */
export function addCommandRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  command: AnyCommand,
): void {
  const { space } = rotation
  const { name } = command
  const results = new ResultSerializer(command.result)
  const schema = commandSchema(space, command)
  app.post(`/${space.name}/commands/${name}`, { config: { schema } }, async (request, reply) => {
    const unit = rotation.next()
    try {
      const options = executeOptions(
        oneHeaderOf(request, requestHeaders.idempotencyKey),
        headerOf(request, 'prefer'),
      )
      // The bytes themselves: see the server's content type parser.
      const input = parseJsonInput((request.body as Uint8Array | undefined) ?? nothing)
      const answer = await unit.execute(name, input, options)
      const { position, version } = answer
      const result = results.serialize(answer.result, reply)
      const headers = ['grid-position', String(position)]
      if (answer.replayed) headers.push('idempotency-replayed', 'true')
      if (options.acknowledge) headers.push('preference-applied', `ack=${answer.acknowledged}`)
      const json = `{"result":${result},"position":${position},"version":${version}}`
      sendJson(door, reply, headers, json)
    } catch (error) {
      reply.header('grid-position', unit.position)
      throw error
    }
  })
}
