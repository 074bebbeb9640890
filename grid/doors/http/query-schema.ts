import type { FastifySchema } from 'fastify'
import type { AnyQuery, Space } from '../../core/definition.ts'
import { batchQueriesMax } from '../request/query-batch.ts'
import {
  ageHeader,
  answer,
  answeredAt,
  problem,
  read,
  readHeaders,
  readProblems,
  resumeHeader,
  roomProblems,
} from './schema-parts.ts'

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
      ...problemsOf(space.waitingRoom?.queries?.includes(query.name)),
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
      ...problemsOf((space.waitingRoom?.queries ?? []).length > 0),
      ...bodyProblems,
    },
  }
}

const liveHeaders = (space: Space) => {
  const { properties, type } = readHeaders(space)
  return { type, properties: { ...properties, ...resumeHeader.properties } }
}

/** Of a query: by `Accept: text/event-stream` the answer, and then what changes of it. */
const liveRead = (properties: Readonly<Record<string, unknown>>) => ({
  description: 'Done; as a stream of events the answer, and then its changes (JSON Patch)',
  headers: ageHeader,
  content: {
    'application/json': { schema: answer(properties) },
    'text/event-stream': { schema: { type: 'string' } },
  },
})

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

/** Of one that may be behind a waiting room, or not. */
function problemsOf(isBehindRoom = false): Readonly<Record<string, object>> {
  if (!isBehindRoom) return queryProblems
  const { 403: explainOff } = queryProblems
  const description = `${roomProblems[403].description}; or: ${explainOff.description}`
  return { ...queryProblems, ...roomProblems, 403: problem(description) }
}
