import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import type { AnyCommand, AnyQuery, Space } from '../../core/definition.ts'
import { keyBytesMax } from '../../core/limits.ts'
import { type ReadableFields, readableIndexes } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { batchQueriesMax } from '../request/query-batch.ts'
import { completeDocument, exampleProblem } from './open-api-document.ts'
import { problemType } from './problem.ts'

/** What the routes of the spaces carry for the documentation alone. */
interface Documented {
  readonly schema?: FastifySchema
}

export interface DocumentOptions {
  readonly title: string
  readonly version: string
}

interface Described extends DocumentOptions {
  /** Markdown. */
  readonly description: string
}

/** How the OpenAPI document is made of the routes' schemas. */
export function swaggerOptions(
  spaces: readonly Space[],
  { title, version, description }: Described,
): FastifyDynamicSwaggerOptions {
  const tokens = new Map(spaces.map(({ name, partitions = 1 }) => [name, partitions > 1]))
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title, version, description },
      tags: spaces.map(({ name, description }) => ({
        name,
        ...(description === undefined ? undefined : { description }),
      })),
    },
    transformObject: (made) =>
      'openapiObject' in made
        ? completeDocument(made.openapiObject, (name) => tokens.get(name))
        : made.swaggerObject,
    // Routes that are compiled from their schemas could be refused for one of them, when the unit
    // has long begun.
    transform: ({ schema, url, route }) => ({
      schema: (route.config as Documented | undefined)?.schema ?? schema,
      url,
    }),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `schema-${index}`,
    },
  }
}

export const count = { type: 'integer', minimum: 0 } as const
const tag = {
  'If-None-Match': { type: 'string', description: 'Answers 304 if the tag still fits' },
}

/** Shared schema of every error's body. */
export const problemSchema = {
  $id: 'Problem',
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'error'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; see the list of errors' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
    error: {
      type: 'object',
      required: ['code'],
      properties: { code: { type: 'string' }, reason: { type: 'string' } },
      additionalProperties: true,
    },
  },
} as const

const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: { $ref: 'Problem#' } } },
})

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

/** A number in a space of one partition. */
export const positionIn = ({ partitions = 1 }: Space, description: string) =>
  partitions === 1
    ? { type: 'integer', minimum: 0, description }
    : { type: 'string', description: `${description}; not to be looked into` }

const moment = '(?:[1-9]\\d{0,14}|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,3})?Z)'

/** A position, or a moment of the past. */
function positionAsked(space: Space): object {
  const later = 'Answer at this position or a later one'
  const { partitions = 1 } = space
  if (partitions > 1) return positionIn(space, later)
  return {
    description: `${later}; = and a position or a time: as it was then`,
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: `^=${moment}$`, examples: ['=12', '=2026-11-27T21:00:00Z'] },
    ],
  }
}

export const answeredAt = (space: Space) => positionIn(space, 'Position that the answer is from')

const readHeaders = (space: Space) => ({
  type: 'object',
  properties: {
    'Grid-Position': positionAsked(space),
    'Grid-Consistency': {
      type: 'string',
      enum: ['latest'],
      description: 'Answer from a state with everything stored when the request came',
    },
    'Grid-Staleness': {
      type: 'string',
      pattern: '^\\d{1,9}(\\.\\d{1,3})?(ms|s)$',
      description: 'Answer from a state that is no older, such as 2s or 500ms',
    },
    ...tag,
  },
})

export const resumeHeader = {
  type: 'object',
  properties: {
    'Last-Event-ID': { type: 'string', description: 'Goes on behind this event, on any unit' },
  },
} as const

const liveHeaders = (space: Space) => {
  const { properties, type } = readHeaders(space)
  return { type, properties: { ...properties, ...resumeHeader.properties } }
}

const ageHeader = {
  'Grid-Age': {
    type: 'string',
    description:
      'How old the state was at most, such as 15023ms: of an answer that is not fresh, or with Grid-Staleness',
  },
}

const read = (properties: Readonly<Record<string, unknown>>) => ({
  ...answer(properties),
  headers: ageHeader,
})

/** Of a query: by `Accept: text/event-stream` the answer, and then what changes of it. */
const liveRead = (properties: Readonly<Record<string, unknown>>) => ({
  description: 'Done; as a stream of events the answer, and then its changes (JSON Patch)',
  headers: ageHeader,
  content: {
    'application/json': { schema: answer(properties) },
    'text/event-stream': { schema: { type: 'string' } },
  },
})

export const readProblems = {
  400: problem('Invalid input or header'),
  404: problem('Not found'),
  410: problem('What was there is out of reach, by `Grid-Position: =…`'),
  413: problem('What another unit has answered is too large to be passed on'),
  500: problem('The application has made a mistake, or the grid: see its log'),
  503: problem('Not ready, or position or staleness not reached in time; see Retry-After'),
  504: problem('No answer in time: send it again'),
  507: problem('The log is full, which `Grid-Consistency: latest` asks, or no memory for the past'),
}

interface Headers {
  readonly type: string
  readonly properties: Readonly<Record<string, object>>
}

const withExplain = ({ type, properties }: Headers): Headers => {
  const explain = {
    type: 'string',
    enum: ['true'],
    description: 'Tells how the answer was found; not in production',
  }
  return { type, properties: { ...properties, 'Grid-Explain': explain } }
}

/** Whether something has changed is asked by GET. */
const postedHeaders = (space: Space) => {
  const { type, properties } = withExplain(readHeaders(space))
  const { 'If-None-Match': _, ...others } = properties
  return { type, properties: others }
}

const queryProblems = {
  ...readProblems,
  403: problem('How answers are found is not explained here'),
  413: problem('The query looks at too many entries, or its answer is too large to be passed on'),
}

/** Of what does not end: events, one after the other. */
export const streamResponses = {
  200: {
    description: 'Server-sent events, for as long as the connection lasts',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  },
  400: problem('Invalid parameter or header'),
  404: problem('Not found'),
  500: problem('The application has made a mistake, or the grid: see its log'),
  503: problem('Not ready, or as many streams as there may be; see Retry-After'),
} as const

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

export function querySchema(space: Space, query: AnyQuery): FastifySchema {
  return {
    operationId: `${space.name}.${query.name}`,
    tags: [space.name],
    ...(query.description === undefined ? undefined : { summary: query.description }),
    querystring: query.input,
    headers: withExplain(liveHeaders(space)),
    response: {
      200: liveRead({ result: query.result ?? {}, position: answeredAt(space) }),
      304: { description: 'Not modified', type: 'null', headers: ageHeader },
      ...queryProblems,
    },
  }
}

/** Parameters of a query that anybody may add. */
const explainParameter = {
  type: 'object',
  properties: {
    explain: {
      type: 'string',
      enum: ['true'],
      description: 'Tells how the answer was found; not in production',
    },
  },
}

/** The same, its input in the body. */
export function postedQuerySchema(space: Space, query: AnyQuery): FastifySchema {
  const { querystring: _, operationId, response, ...schema } = querySchema(space, query)
  const { 304: _unchanged, ...responses } = response as Readonly<Record<string, object>>
  return {
    ...schema,
    operationId: `${operationId}.post`,
    headers: postedHeaders(space),
    querystring: explainParameter,
    body: query.input,
    response: { ...responses, ...bodyProblems },
  }
}

const bodyProblems = {
  413: problem('The body is too large, the query looks at too many entries, or its answer is'),
  415: problem('The body is not application/json'),
}

/** Several queries at one position. */
export function batchSchema(space: Space): FastifySchema {
  const names = [...space.queries.keys()]
  // No enum: another name fails its own query, and nothing else.
  const name = { type: 'string', description: `One of ${names.join(', ')}`, examples: names }
  const error = { type: 'object', additionalProperties: true }
  return {
    operationId: `${space.name}.queries`,
    tags: [space.name],
    summary: 'Several queries at one position',
    headers: postedHeaders(space),
    body: {
      type: 'array',
      minItems: 1,
      maxItems: batchQueriesMax,
      items: {
        type: 'object',
        required: ['query'],
        additionalProperties: false,
        properties: { query: name, input: { type: 'object', additionalProperties: true } },
      },
    },
    response: {
      200: read({
        answers: {
          type: 'array',
          description: 'In the order of the queries',
          items: { type: 'object', properties: { result: {}, error } },
        },
        position: answeredAt(space),
      }),
      ...queryProblems,
      ...bodyProblems,
    },
  }
}

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

/** The schema of what is readable of an entry. */
export function partOf({ schema }: AnyCache, fields: ReadableFields): object {
  if (fields === 'all') return schema
  const properties = Object.entries(schema.properties).filter(([name]) => fields.includes(name))
  const required = schema.required?.filter((name) => fields.includes(name)) ?? []
  return { type: 'object', required, properties: Object.fromEntries(properties) }
}

export const answer = (properties: Readonly<Record<string, unknown>>) => ({
  description: 'Done',
  type: 'object',
  required: Object.keys(properties),
  properties,
})
