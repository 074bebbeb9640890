import type { FastifySchema } from 'fastify'
import type { Space } from '../../core/definition.ts'
import { keyBytesMax } from '../../core/limits.ts'
import { type ReadableFields, readableIndexes } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { answer, answeredAt, count, partOf, positionIn, readProblems, tag } from './schema-parts.ts'

const storedEntry = (space: Space, cache: AnyCache, fields: ReadableFields) => ({
  key: { type: 'string' },
  value: partOf(cache, fields),
  version: count,
  writtenAt: positionIn(space, 'Log position of the transaction that wrote it'),
})

export function archivedEntrySchema(
  space: Space,
  cache: AnyCache,
  fields: ReadableFields,
): FastifySchema {
  const key = { type: 'string', minLength: 1, description: `At most ${keyBytesMax} bytes` }
  return {
    operationId: `${space.name}.${cache.name}.stored`,
    tags: [space.name],
    summary: `One entry of cache ${cache.name} as the store has it, whether it is in memory or not`,
    params: { type: 'object', required: ['key'], properties: { key } },
    headers: { type: 'object', properties: tag },
    response: {
      200: answer({
        ...storedEntry(space, cache, fields),
        archived: { type: 'boolean', description: 'It has left memory' },
      }),
      304: { description: 'Not modified', type: 'null' },
      ...readProblems,
    },
  }
}

export function archiveRangeSchema(
  space: Space,
  cache: AnyCache,
  fields: ReadableFields,
): FastifySchema {
  const text = (description: string) => ({ type: 'string', description })
  const entry = storedEntry(space, cache, fields)
  return {
    operationId: `${space.name}.${cache.name}.archive`,
    tags: [space.name],
    summary: `Entries of cache ${cache.name} that have left memory, in the order of an index`,
    querystring: {
      type: 'object',
      required: ['index'],
      properties: {
        index: { type: 'string', enum: [...readableIndexes(cache.indexes, fields).keys()] },
        equals: {
          type: 'array',
          items: { type: 'string' },
          description: 'Values of its leading fields, in their order',
        },
        from: text('Least value of the next field'),
        after: text('The next field is greater'),
        to: text('Greatest value of the next field'),
        before: text('The next field is less'),
        reverse: { type: 'boolean', description: 'The greatest first' },
        limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
        cursor: text('`next` of the page before'),
      },
    },
    response: {
      200: answer({
        entries: {
          type: 'array',
          items: { type: 'object', required: Object.keys(entry), properties: entry },
        },
        next: { type: ['string', 'null'], description: 'For the next page; null: there is none' },
        position: answeredAt(space),
      }),
      ...readProblems,
    },
  }
}
