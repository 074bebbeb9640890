import type { FastifyInstance } from 'fastify'
import { parseJsonInput } from '../services/json-input.ts'
import type { FaultLog } from '../services/public-error.ts'
import { executeOptions } from '../services/request-options.ts'
import type { AnyCommand } from '../space/definition.ts'
import { headerOf, jsonType } from './exchange.ts'
import { commandSchema } from './open-api.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

const nothing = new Uint8Array(0)

/** `POST /{space}/commands/{name}`. */
export function addCommandRoute(
  app: FastifyInstance,
  rotation: UnitRotation,
  command: AnyCommand,
  log: FaultLog,
): void {
  const { space } = rotation
  const { name } = command
  const results = new ResultSerializer(`command ${name}`, command.result, log)
  const schema = commandSchema(space, command)
  app.post(`/${space.name}/commands/${name}`, { schema }, async (request, reply) => {
    const unit = rotation.next()
    try {
      const options = executeOptions(
        headerOf(request, 'idempotency-key'),
        headerOf(request, 'prefer'),
      )
      // The bytes themselves: see the server's content type parser.
      const input = parseJsonInput((request.body as Uint8Array | undefined) ?? nothing)
      const answer = await unit.execute(name, input, options)
      const { position, version } = answer
      reply.header('content-type', jsonType).header('grid-position', position)
      if (answer.replayed) reply.header('idempotency-replayed', 'true')
      if (options.acknowledge) reply.header('preference-applied', `ack=${answer.acknowledged}`)
      const result = results.serialize(answer.result, reply)
      return reply.send(`{"result":${result},"position":${position},"version":${version}}`)
    } catch (error) {
      reply.header('grid-position', unit.position)
      throw error
    }
  })
}
