import type { Space } from '../../core/definition.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { problemType } from './problem.ts'

/*
 * What the schemas of several routes are made of: headers, answers, problems.
 */

export const count = { type: 'integer', minimum: 0 } as const
export const tag = {
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

export const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: { $ref: 'Problem#' } } },
})

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

export const readHeaders = (space: Space) => ({
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

export const ageHeader = {
  'Grid-Age': {
    type: 'string',
    description:
      'How old the state was at most, such as 15023ms: of an answer that is not fresh, or with Grid-Staleness',
  },
}

export const read = (properties: Readonly<Record<string, unknown>>) => ({
  ...answer(properties),
  headers: ageHeader,
})

export const readProblems = {
  400: problem('Invalid input or header'),
  404: problem('Not found'),
  410: problem('What was there is out of reach, by `Grid-Position: =…`'),
  413: problem('What another unit has answered is too large to be passed on'),
  414: problem('The URL is too long'),
  500: problem('The application has made a mistake, or the grid: see its log'),
  503: problem('Not ready, or position or staleness not reached in time; see Retry-After'),
  504: problem('No answer in time: send it again'),
  507: problem('The log is full, which `Grid-Consistency: latest` asks, or no memory for the past'),
}

/** Of what stands behind a waiting room, where there is one. */
export const roomProblems = {
  403: problem('Behind a waiting room: admission comes first, and this one does not hold'),
  429: problem('Too much was asked with one admission; see Retry-After'),
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
