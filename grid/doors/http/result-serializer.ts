import type { FastifyReply } from 'fastify'
import type { TSchema } from 'typebox'

type Serialize = (result: unknown) => string

const plainJson: Serialize = (result) => JSON.stringify(result ?? null)

/**
 * Writes the results of one command or query as JSON: by code compiled from the declared schema
 * where that is certain to write the same, and as it is otherwise. The unit has checked the result
 * against its schema: nothing is left out, changed or added here.
 */
export class ResultSerializer {
  readonly #schema: TSchema | undefined
  #compiled: Serialize | undefined

  constructor(schema: TSchema | undefined) {
    this.#schema = schema
    this.#compiled = schema !== undefined && isSimple(schema) ? undefined : plainJson
  }

  /** @param reply any reply of the route: fastify hands out its compiler there */
  serialize(result: unknown, reply: FastifyReply): string {
    this.#compiled ??= this.#compile(reply)
    return this.#compiled(result)
  }

  #compile(reply: FastifyReply): Serialize {
    try {
      const compiled = reply.compileSerializationSchema({ ...this.#schema })
      return (result) => compiled(result as Record<string, unknown>)
    } catch {
      // What it cannot compile is written all the same.
      return plainJson
    }
  }
}

const scalars: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'null']
const keywords = new Set([
  ...['type', 'properties', 'required', 'items', 'additionalProperties'],
  ...['title', 'description', 'examples', 'const', 'enum', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems'],
])

/**
 * The part of JSON Schema of which the compiled code is certain to do what `JSON.stringify` does.
 */
function isSimple(schema: unknown): boolean {
  if (!isRecord(schema)) return false
  for (const name in schema) if (!keywords.has(name)) return false
  const { type, properties, additionalProperties, items, ...rest } = schema
  if (type === 'array') return isSimple(items)
  if (type !== 'object') return scalars.includes(type) || Object.keys(rest).length === 0
  if (additionalProperties !== false || typeof properties !== 'object' || properties === null)
    return false
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(properties).every(
    ([name, it]) => name !== '__proto__' && isSimple(it) && !(required.includes(name) && isAny(it)),
  )
}

/**
 * What may be anything may be undefined, which compiled code does not let a required property be.
 */
const isAny = (schema: unknown): boolean => isRecord(schema) && schema.type === undefined

const isRecord = (schema: unknown): schema is Record<string, unknown> =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema)
