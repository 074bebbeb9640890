import { type ErrorCode, errorKinds } from '../../core/errors.ts'
import { problemType } from './problem.ts'
import { schemaExample } from './schema-example.ts'

/** The parts of an OpenAPI 3.1 document that are looked at here. */
export interface Document {
  paths?: Record<string, Record<string, Operation>>
  components?: Components
  [part: string]: unknown
}

interface Components {
  schemas?: Record<string, Schema>
  headers?: Record<string, object>
  parameters?: Record<string, object>
  securitySchemes?: Record<string, object>
}

interface Operation {
  security?: object[]
  /** What it takes, where callers are asked who they are. */
  'x-permissions'?: readonly string[]
  /** It is for everybody. */
  'x-public'?: boolean
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, Media> }
  responses?: Record<string, Response>
}

interface Parameter {
  in: string
  name: string
  schema?: Schema
  content?: Record<string, Media>
  example?: unknown
}

interface Response {
  description: string
  headers?: Record<string, object>
  content?: Record<string, Media>
}

interface Media {
  schema?: Schema
  example?: unknown
}

interface Schema {
  $ref?: string
  properties?: Record<string, Schema>
  [keyword: string]: unknown
}

const json = 'application/json'
const positionToken = 'Grid-Position.token'
const text = { type: 'string' } as const

const headers: Readonly<Record<string, object>> = {
  'X-Request-Id': {
    description: "The request's own, or the id of its trace; it is in the log of what went wrong",
    schema: text,
  },
  Traceparent: {
    description: 'W3C Trace Context: the trace of the request, and its span',
    schema: { ...text, pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$' },
  },
  'Grid-Position': {
    description: 'Position that the answer is from; sent with a later read, it reads at least that',
    schema: { type: 'integer', minimum: 0 },
  },
  [positionToken]: {
    description:
      'Position that the answer is from, not to be looked into; sent with a later read, it reads at least that',
    schema: text,
  },
  ETag: { description: 'The same while the answer is', schema: text },
  'WWW-Authenticate': {
    description: 'How to say who one is (RFC 6750)',
    schema: text,
  },
  'Retry-After': {
    description: 'Seconds after which the same request may be sent again',
    schema: { type: 'integer', minimum: 1 },
  },
  'Idempotency-Replayed': {
    description: 'This is the result of an earlier command with the same key',
    schema: { ...text, const: 'true' },
  },
  'Preference-Applied': {
    description: 'The level that was reached, where `Prefer` asked for one',
    schema: { ...text, enum: ['ack=accepted', 'ack=committed', 'ack=persisted'] },
  },
}

const parameters: Readonly<Record<string, object>> = {
  RequestId: {
    in: 'header',
    name: 'X-Request-Id',
    required: false,
    description:
      'Under what the request is known: up to 128 visible ASCII characters, which come back in the answer',
    schema: text,
  },
  Traceparent: {
    in: 'header',
    name: 'Traceparent',
    required: false,
    description: 'W3C Trace Context: the trace that the request is part of',
    schema: text,
  },
}

/**
 * Completes what is made of the routes' schemas by what holds for all of them: headers, the codes
 * of problems, examples; and gives names to the schemas that stand in it.
 * @param hasTokens whether a space's positions are tokens; undefined: it is no space's name
 * @param asks whether callers are asked who they are
 */
export function completeDocument<D extends object>(
  made: D,
  hasTokens: (space: string) => boolean | undefined,
  asks: boolean,
): D {
  const document = made as Document
  const schemas = { ...document.components?.schemas }
  document.components = {
    ...document.components,
    schemas,
    headers: { ...document.components?.headers, ...usedHeaders(document, hasTokens, asks) },
    parameters: { ...document.components?.parameters, ...parameters },
  }
  // The operations say it, each for itself.
  document.security = []
  if (asks) document.components.securitySchemes = securitySchemes
  document.servers = [{ url: '/', description: 'The server that this document is from' }]
  for (const operations of Object.values(document.paths ?? {}))
    for (const operation of Object.values(operations)) {
      summarize(operation)
      if (asks) addRefusals(operation)
      addHeaders(operation, hasTokens(operation.tags?.[0] ?? ''))
      nameProblems(operation, schemas)
      addExamples(operation)
      nameSchemas(operation, schemas)
    }
  return made
}

const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of whoever signs them for this grid',
  },
  key: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`Api-Key` and a key, with a space between them',
  },
}

/** Who may ask it, and what the others hear. */
function addRefusals(operation: Operation): void {
  const isPublic = operation['x-public'] === true
  // What is public may be asked by those, too, who say who they are.
  operation.security = [...(isPublic ? [{}] : []), { token: [] }, { key: [] }]
  operation.responses ??= {}
  const problem = { [problemType]: { schema: { $ref: general } } }
  operation.responses['401'] = {
    description: 'Who asks has not said who it is, or what it has shown does not hold',
    headers: { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } },
    content: problem,
  }
  const forbidden = `Missing: ${operation['x-permissions']?.join(', or ')}`
  const known = operation.responses['403']
  const description = known ? `${known.description}; or: ${forbidden}` : forbidden
  operation.responses['403'] = { ...known, description, content: known?.content ?? problem }
}

/** A first sentence for lists; all of it where there is more. */
function summarize(operation: Operation): void {
  const { summary, operationId = '' } = operation
  const [, first] = /^([^.]+)\.\s+\S/s.exec(summary ?? '') ?? []
  if (summary === undefined) operation.summary = wordsOf(operationId.split('.').at(-1) ?? '')
  else if (first !== undefined) {
    operation.summary = first
    operation.description = summary
  }
}

/** `Hold best available` of `holdBestAvailable`. */
const wordsOf = (name: string): string =>
  name.charAt(0).toUpperCase() +
  name.slice(1).replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

function addHeaders(operation: Operation, hasTokens: boolean | undefined): void {
  const refs = Object.keys(parameters).map((name) => ({ $ref: `#/components/parameters/${name}` }))
  operation.parameters = [...(operation.parameters ?? []), ...(refs as unknown as Parameter[])]
  const { responses = {} } = operation
  // Nothing else is ever refused.
  const isCommand = '409' in responses
  for (const [status, response] of Object.entries(responses)) {
    const names = ['X-Request-Id', 'Traceparent']
    if (hasTokens !== undefined) names.push('Grid-Position')
    if (['429', '503', '504', '507'].includes(status)) names.push('Retry-After')
    if ('304' in responses && (status === '200' || status === '304')) names.push('ETag')
    if (isCommand && status === '200') names.push('Idempotency-Replayed', 'Preference-Applied')
    const added = names.map((name) => {
      const component = name === 'Grid-Position' && hasTokens ? positionToken : name
      return [name, { $ref: `#/components/headers/${component}` }] as const
    })
    response.headers = { ...response.headers, ...Object.fromEntries(added) }
  }
}

/** What a document names and nobody refers to is a fault to linters. */
function usedHeaders(
  { tags = [] }: Document,
  hasTokens: (space: string) => boolean | undefined,
  asks: boolean,
): Record<string, object> {
  const { 'WWW-Authenticate': challenge, ...answered } = headers
  const { [positionToken]: token, 'Grid-Position': number, ...others } = answered
  const kinds = (tags as { readonly name: string }[]).map(({ name }) => hasTokens(name))
  return {
    ...others,
    ...(asks && challenge ? { 'WWW-Authenticate': challenge } : {}),
    ...(kinds.includes(false) && number ? { 'Grid-Position': number } : {}),
    ...(kinds.includes(true) && token ? { [positionToken]: token } : {}),
  }
}

const general = '#/components/schemas/Problem'

/** The problems of one status have its codes. */
function nameProblems({ responses = {} }: Operation, schemas: Record<string, Schema>): void {
  for (const [status, { content }] of Object.entries(responses)) {
    const problem = content?.[problemType]
    if (problem?.schema?.$ref !== general) continue
    const codes = codesOf(Number(status))
    const name = `Problem${status}`
    schemas[name] ??= {
      allOf: [
        { $ref: general },
        { type: 'object', properties: { code: { type: 'string', enum: codes } } },
      ],
    }
    problem.schema = { $ref: `#/components/schemas/${name}` }
    const [code] = codes
    if (code !== undefined) problem.example ??= exampleProblem(code, Number(status))
  }
}

/** Codes that nobody outside is told. */
const inside: readonly number[] = [500]
const told500: readonly ErrorCode[] = ['application_fault', 'internal']

function codesOf(status: number): readonly ErrorCode[] {
  if (inside.includes(status)) return told500
  const codes = Object.keys(errorKinds) as ErrorCode[]
  return codes.filter((code) => errorKinds[code].status === status)
}

/** @param details of the error, for programs */
export function exampleProblem(code: ErrorCode, status: number, details: object = {}): object {
  const { title } = errorKinds[code]
  const error = { ...details, code }
  return { type: `urn:spacegrid:error:${code}`, title, status, code, detail: title, error }
}

function addExamples({ requestBody, responses }: Operation): void {
  const request = requestBody?.content?.[json]
  const answer = responses?.['200']?.content?.[json]
  for (const media of [request, answer]) {
    if (!media?.schema || media.example !== undefined) continue
    const example = schemaExample(media.schema)
    if (example !== undefined) media.example = example
  }
}

/** `shop.buy.input`, `shop.buy.result`, and for the entries of a cache `shop.orders`. */
function nameSchemas(operation: Operation, schemas: Record<string, Schema>): void {
  const { operationId, requestBody, responses } = operation
  if (operationId === undefined) return
  const named = (name: string, schema: Schema | undefined): Schema | undefined => {
    if (!schema || schema.$ref !== undefined || Object.keys(schema).length === 0) return schema
    schemas[name] = schema
    return { $ref: `#/components/schemas/${name}` }
  }
  const request = requestBody?.content?.[json]
  if (request?.schema) request.schema = named(`${operationId}.input`, request.schema) as Schema
  const { properties } = responses?.['200']?.content?.[json]?.schema ?? {}
  if (properties?.result)
    properties.result = named(`${operationId}.result`, properties.result) as Schema
  if (properties?.value)
    properties.value = named(operationId.replace(/\.entry$/, ''), properties.value) as Schema
}
