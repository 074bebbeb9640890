import type { TObject } from 'typebox'
import { GridError } from '../../core/errors.ts'
import type { FieldError } from '../../core/validation.ts'
import { inexact, isExact } from '../request/json-exactness.ts'
import { numberRange, parseJsonText } from '../request/json-input.ts'

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
const explain = /(?:^|&)explain(?:=true)?(?=&|$)/
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * Reads a URL's query string as the input of one query: text becomes the types that the schema
 * declares, nothing else. Scalars are written plainly, lists of scalars by repeating the parameter,
 * anything deeper as JSON. Whether the input fits (required fields, bounds, patterns) is left to
 * the unit, which checks it for every door alike.
 */
export class QueryInput {
  readonly #fields = new Map<string, Field>()

  constructor(schema: TObject) {
    const properties = (schema as JsonSchema).properties ?? {}
    for (const [name, property] of Object.entries(properties))
      this.#fields.set(name, fieldOf(property))
  }

  /** Whether it asks for an explanation, where that is no field of the input. */
  explains(queryString: string): boolean {
    return queryString.includes('explain') && !this.#fields.has('explain')
      ? explain.test(queryString)
      : false
  }

  /**
   * @throws GridError `invalid_input` with details.errors: a field that cannot be read, is unknown,
   * or is repeated
   */
  parse(queryString: string): Record<string, unknown> {
    const input: Record<string, unknown> = {}
    const isEncoded = queryString.includes('%') || queryString.includes('+')
    let errors: FieldError[] | undefined
    for (let start = 0; start < queryString.length; ) {
      const next = queryString.indexOf('&', start)
      const end = next === -1 ? queryString.length : next
      if (end > start) {
        const error = this.#add(input, queryString.slice(start, end), isEncoded)
        if (error) errors = [...(errors ?? []), error]
        if (errors?.length === errorsMax) break
      }
      start = end + 1
    }
    if (errors) throw invalidInput(errors)
    return input
  }

  /** Adds one `name=text` to the input, or answers what is wrong with it. */
  #add(input: Record<string, unknown>, pair: string, isEncoded: boolean): FieldError | undefined {
    const equals = pair.indexOf('=')
    const rawName = equals === -1 ? pair : pair.slice(0, equals)
    const rawText = equals === -1 ? '' : pair.slice(equals + 1)
    const name = isEncoded ? decoded(rawName) : rawName
    const text = isEncoded ? decoded(rawText) : rawText
    if (name === undefined || text === undefined)
      return { path: name ?? rawName, message: 'is not percent-encoded UTF-8' }
    const field = this.#fields.get(name)
    if (!field && explain.test(pair)) return undefined
    if (!field) return { path: name, message: this.#unknown() }
    const earlier = Object.hasOwn(input, name) ? input[name] : undefined
    if (earlier !== undefined && !field.list)
      return { path: name, message: 'is given more than once' }
    try {
      const value = field.convert(text)
      if (!field.list) input[name] = value
      else if (earlier === undefined) input[name] = [value]
      else (earlier as unknown[]).push(value)
      return undefined
    } catch (error) {
      if (error instanceof GridError) return { path: name, message: error.message }
      throw error
    }
  }

  #unknown(): string {
    const known = [...this.#fields.keys()].join(', ')
    return `is not known (${known === '' ? 'the query takes no parameters' : `known: ${known}`})`
  }
}

function invalidInput(errors: readonly FieldError[]): GridError {
  const message = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new GridError('invalid_input', message, { details: { errors } })
}

/** undefined: not valid percent-encoding of UTF-8. */
function decoded(text: string): string | undefined {
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

/**
 * Reads the narrowest of the types that the text can stand for; a string, where one is allowed,
 * last.
 */
function scalarOf(types: ReadonlySet<string>): Convert {
  if (types.size === 1 && types.has('string')) return (text) => text
  const wanted = [...types].join(' or ')
  return (text) => {
    if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
    if (types.has('null') && text === 'null') return null
    if ((types.has('number') || types.has('integer')) && jsonNumber.test(text)) {
      const value = Number(text)
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
        if (!isExact(text)) {
          if (types.has('string')) return text
          throw new GridError('invalid_input', inexact(text))
        }
        if (types.has('number') || Number.isInteger(value)) return value
      } else if (!types.has('string')) {
        throw new GridError('invalid_input', numberRange)
      }
    }
    if (types.has('string')) return text
    throw new GridError('invalid_input', `must be ${wanted}`)
  }
}
