import type { FastifySchema } from 'fastify'
import type { Space } from '../../core/definition.ts'
import { keyBytesMax } from '../../core/limits.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { historyInput } from '../request/told-history.ts'
import { answer, answeredAt, count, partOf, positionIn, readProblems } from './schema-parts.ts'

const time = { type: 'integer', description: 'When the log stored it, ms since the epoch' }

export function historySchema(
  space: Space,
  cache: AnyCache,
  fields: ReadableFields,
): FastifySchema {
  const key = { type: 'string', minLength: 1, description: `At most ${keyBytesMax} bytes` }
  const valueOr = (description: string) => ({
    description,
    anyOf: [partOf(cache, fields), { type: 'null' }],
  })
  const change = {
    position: positionIn(space, 'Position of the change'),
    time,
    change: {
      type: 'string',
      enum: ['created', 'changed', 'deleted', 'archived'],
      description: 'archived: it has left memory',
    },
    from: valueOr('The value before; null: there was none, or it was not in memory'),
    to: valueOr('The value behind it; null: there is none'),
    version: { ...count, description: 'Identity of the transaction' },
  }
  const more = {
    command: {
      type: 'string',
      description: 'Which has made it; left out: nobody’s, or not known any more',
    },
    due: { type: 'boolean', description: 'It was due, and nobody’s command' },
  }
  const since = {
    type: 'object',
    description: 'What happened up to here is not known any more',
    required: ['position', 'time'],
    properties: { position: positionIn(space, 'Position'), time },
  }
  return {
    operationId: `${space.name}.${cache.name}.history`,
    tags: [space.name],
    summary: `What has become of an entry of cache ${cache.name}, the newest first`,
    params: { type: 'object', required: ['key'], properties: { key } },
    querystring: {
      type: 'object',
      properties: {
        limit: historyInput.properties.limit,
        cursor: historyInput.properties.cursor,
      },
    },
    response: {
      200: answer({
        changes: {
          type: 'array',
          items: {
            type: 'object',
            required: Object.keys(change),
            properties: { ...change, ...more },
          },
        },
        next: {
          type: ['string', 'null'],
          description: 'For the next page; null: no more is known',
        },
        since,
        position: answeredAt(space),
      }),
      ...readProblems,
    },
  }
}
