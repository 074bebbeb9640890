import type { TObject } from 'typebox'
import { GridError } from '../errors.ts'
import { numberRange, parseJsonText } from '../services/json-input.ts'
import type { FieldError } from '../space/validation.ts'

type Convert = (text: string) => unknown

interface Field {
  readonly convert: Convert
  /** A list is written by repeating the parameter. */
  readonly list: boolean
}

/** The part of JSON Schema that decides how a parameter's text is read. */
interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
}

const errorsMax = 10
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * Reads a URL's query string as the input of one query: text becomes the types that the schema declares, nothing
 * else. Scalars are written plainly, lists of scalars by repeating the parameter, anything deeper as JSON. Whether the
 * input fits (required fields, bounds, patterns) is left to the unit, which checks it for every door alike.
 */
export class QueryInput {
  readonly #fields = new Map<string, Field>()

  constructor(schema: TObject) {
    const properties = (schema as JsonSchema).properties ?? {}
    for (const [name, property] of Object.entries(properties))
      this.#fields.set(name, fieldOf(property))
  }

  /** @throws GridError `invalid_input` with details.errors: a field that cannot be read, is unknown, or is repeated */
  parse(queryString: string): Record<string, unknown> {
    const input: Record<string, unknown> = {}
    const errors: FieldError[] = []
    for (const pair of queryString.split('&')) {
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = decoded(equals === -1 ? pair : pair.slice(0, equals))
      const text = decoded(equals === -1 ? '' : pair.slice(equals + 1))
      const problem = this.#add(input, name, text)
      if (problem) errors.push({ path: name ?? pair, message: problem })
      if (errors.length === errorsMax) break
    }
    if (errors.length > 0) throw invalidInput(errors)
    return input
  }

  /** Answers what is wrong, if anything. */
  #add(
    input: Record<string, unknown>,
    name: string | undefined,
    text: string | undefined,
  ): string | undefined {
    const field = name === undefined ? undefined : this.#fields.get(name)
    if (name === undefined || text === undefined) return 'is not percent-encoded UTF-8'
    if (!field) {
      const known = [...this.#fields.keys()]
      return known.length === 0
        ? 'is not known (the query takes no parameters)'
        : `is not known (known: ${known.join(', ')})`
    }
    if (Object.hasOwn(input, name) && !field.list) return 'is given more than once'
    try {
      const value = field.convert(text)
      if (!field.list) input[name] = value
      else if (Object.hasOwn(input, name)) (input[name] as unknown[]).push(value)
      else input[name] = [value]
      return undefined
    } catch (error) {
      if (error instanceof GridError) return error.message
      throw error
    }
  }
}

function invalidInput(errors: readonly FieldError[]): GridError {
  const message = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new GridError('invalid_input', message, { details: { errors } })
}

/** undefined: not valid percent-encoding of UTF-8. */
function decoded(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function fieldOf(schema: JsonSchema): Field {
  const items = schema.type === 'array' ? schema.items : undefined
  const types = typesOf(items ?? schema)
  const scalar = types.size > 0 && [...types].every((type) => scalarTypes.has(type))
  if (scalar) return { convert: scalarOf(types), list: items !== undefined }
  return { convert: parseJsonText, list: false }
}

const scalarTypes = new Set(['string', 'number', 'integer', 'boolean', 'null'])

/** The JSON types a schema admits; `any` when it does not say. */
function typesOf(schema: JsonSchema): Set<string> {
  if (schema.anyOf) return new Set(schema.anyOf.flatMap((option) => [...typesOf(option)]))
  if (schema.enum) return new Set(schema.enum.map(typeOf))
  if ('const' in schema) return new Set([typeOf(schema.const)])
  if (typeof schema.type === 'string') return new Set([schema.type])
  return new Set(schema.type ?? ['any'])
}

const typeOf = (value: unknown): string => (value === null ? 'null' : typeof value)

/** Reads the narrowest of the types that the text can stand for; a string, where one is allowed, last. */
function scalarOf(types: ReadonlySet<string>): Convert {
  if (types.size === 1 && types.has('string')) return (text) => text
  const wanted = [...types].join(' or ')
  return (text) => {
    if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
    if (types.has('null') && text === 'null') return null
    if ((types.has('number') || types.has('integer')) && jsonNumber.test(text)) {
      const value = Number(text)
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
        if (types.has('number') || Number.isInteger(value)) return value
      } else if (!types.has('string')) {
        throw new GridError('invalid_input', numberRange)
      }
    }
    if (types.has('string')) return text
    throw new GridError('invalid_input', `must be ${wanted}`)
  }
}
