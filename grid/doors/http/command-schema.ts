import type { FastifySchema } from 'fastify'
import type { AnyCommand, Space } from '../../core/definition.ts'
import { exampleProblem } from './open-api-document.ts'
import { problemType } from './problem.ts'
import { answer, answeredAt, count, problem, roomProblems } from './schema-parts.ts'

export function commandSchema(space: Space, command: AnyCommand): FastifySchema {
  return {
    operationId: `${space.name}.${command.name}`,
    tags: [space.name],
    ...(command.description === undefined ? undefined : { summary: command.description }),
    body: command.input,
    headers: {
      type: 'object',
      properties: {
        'Idempotency-Key': {
          type: 'string',
          minLength: 1,
          maxLength: 255,
          pattern: '^[ -~]+$',
          description: 'At most once in effect; the first result again',
        },
        Prefer: {
          type: 'string',
          description: `Acknowledgement level: ack=accepted, ack=committed or ack=persisted; default ack=${command.acknowledge}`,
        },
        'Grid-Timeout': {
          type: 'string',
          pattern: '^[0-9]{1,9}([.][0-9]{1,3})?(ms|s)$',
          description:
            'Time that the caller has, such as 500ms or 2s: what cannot be begun in it is refused',
        },
      },
    },
    response: {
      200: answer({ result: command.result ?? {}, position: answeredAt(space), version: count }),
      400: problem('Invalid input or header'),
      ...(space.waitingRoom?.commands?.includes(command.name) ? roomProblems : undefined),
      409: refusal(command),
      413: problem('The body, or the transaction it makes, is too large'),
      415: problem('The body is not application/json'),
      422: problem('The idempotency key was used for another command'),
      500: problem('The application has made a mistake, or the grid: see its log'),
      503: problem('Overloaded, contended, not ready or no log; see Retry-After'),
      504: problem('Outcome unknown: send it again with the same idempotency key'),
      507: problem('The log, the memory of the grid or the cache is full'),
    },
  }
}

/** With the reasons that the command declares. */
function refusal({ rejections }: AnyCommand): object {
  if (rejections === undefined) return problem('Refused: nothing changed')
  if (rejections.length === 0) return problem('Refused: nothing changed; it declares no reason')
  const reason = { type: 'string', enum: rejections }
  const error = {
    type: 'object',
    required: ['reason'],
    properties: { reason },
    additionalProperties: true,
  }
  const schema = {
    allOf: [
      { $ref: 'Problem#' },
      { type: 'object', properties: { code: { type: 'string', const: 'rejected' }, error } },
    ],
  }
  const [first] = rejections
  const example = exampleProblem('rejected', 409, { reason: first })
  const description = `Refused, nothing changed: ${rejections.join(', ')}`
  return { description, content: { [problemType]: { schema, example } } }
}
