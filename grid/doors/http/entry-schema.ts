import type { FastifySchema } from 'fastify'
import type { Space } from '../../core/definition.ts'
import { keyBytesMax } from '../../core/limits.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import {
  ageHeader,
  count,
  partOf,
  positionIn,
  read,
  readHeaders,
  readProblems,
} from './schema-parts.ts'

export function entrySchema(space: Space, cache: AnyCache, fields: ReadableFields): FastifySchema {
  const key = { type: 'string', minLength: 1, description: `At most ${keyBytesMax} bytes` }
  return {
    operationId: `${space.name}.${cache.name}.entry`,
    tags: [space.name],
    summary: `One entry of cache ${cache.name}`,
    params: { type: 'object', required: ['key'], properties: { key } },
    headers: readHeaders(space),
    response: {
      200: read({
        key: { type: 'string' },
        value: partOf(cache, fields),
        version: count,
        writtenAt: positionIn(space, 'Log position of the transaction that wrote it'),
      }),
      304: { description: 'Not modified', type: 'null', headers: ageHeader },
      ...readProblems,
    },
  }
}
