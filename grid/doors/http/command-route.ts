import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnyCommand } from '../../core/definition.ts'
import { positionJson } from '../../core/position.ts'
import { commandHeaders, type HeaderNames } from '../request/answer-headers.ts'
import { parseJsonInput } from '../request/json-input.ts'
import type { CommandAnswer, ExecuteOptions } from '../request/serving.ts'
import { commandSchema } from './command-schema.ts'
import { type Door, sendJson } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import { ResultSerializer } from './result-serializer.ts'
import type { UnitRotation } from './unit-rotation.ts'

const nothing = new Uint8Array(0)
const headerNames: HeaderNames = {
  position: 'grid-position',
  replayed: 'idempotency-replayed',
  applied: 'preference-applied',
}

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
  const path = door.pipeline.command(space.name, name)
  const schema = commandSchema(space, command)
  app.post(`/${space.name}/commands/${name}`, { config: { schema, path } }, (request, reply) =>
    path.run(rotation.next(), new CommandRequest(request, reply, door, results)),
  )
}

class CommandRequest extends HttpRequest<ExecuteOptions, CommandAnswer> {
  readonly #door: Door
  readonly #results: ResultSerializer

  constructor(request: FastifyRequest, reply: FastifyReply, door: Door, results: ResultSerializer) {
    super(request, reply)
    this.#door = door
    this.#results = results
  }

  input(): unknown {
    // The bytes themselves: see the server's content type parser.
    return parseJsonInput((this.request.body as Uint8Array | undefined) ?? nothing)
  }

  answer(answer: CommandAnswer, asked: ExecuteOptions): void {
    const { position, version } = answer
    const result = this.#results.serialize(answer.result, this.reply)
    const headers = commandHeaders(headerNames, answer, asked)
    const json = `{"result":${result},"position":${positionJson(position)},"version":${version}}`
    sendJson(this.#door, this.reply, headers, json)
  }
}
