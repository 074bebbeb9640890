import type { TSchema } from 'typebox'
import { prepareSchema } from './validation.ts'

/**
 * What data can be of; everything else that a schema can name (bigint, symbol, function, void …) no
 * log, store or answer holds.
 */
const dataTypes = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'] as const
type DataType = (typeof dataTypes)[number]
const dataTypeNames: ReadonlySet<unknown> = new Set(dataTypes)

/** The parts of JSON Schema that are looked at here. */
interface Node {
  readonly type?: unknown
  readonly const?: unknown
  readonly enum?: unknown
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly $ref?: unknown
  readonly $id?: unknown
  readonly $defs?: unknown
}

/** Keywords that hold a schema, or a list of them. */
const schemaKeywords = new Set([
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains'],
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames'],
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'],
])
/** Keywords that hold schemas by name. */
const namedKeywords = new Set([
  ...['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'],
])
const schemaDepthMax = 64

/**
 * Refuses a schema that somebody behind the declaration could not work with: the documentation, the
 * description of the NATS service, or what keeps the values. Better here than when a unit has
 * written its definition into the log.
 * @throws TypeError that names the place
 */
export const checkSchema = (what: string, schema: TSchema): void =>
  new SchemaCheck(what).check(schema)

/**
 * Compiles the schema's validator.
 * @throws TypeError that says why it cannot be compiled
 */
export function compileSchema(what: string, schema: TSchema): void {
  try {
    prepareSchema(schema)
  } catch (cause) {
    throw new TypeError(`${what} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

/** One walk through a schema. */
class SchemaCheck {
  readonly #what: string
  /** What references may name. */
  readonly #names = new Set(['#'])
  readonly #references: { readonly path: string; readonly to: string }[] = []

  constructor(what: string) {
    this.#what = what
  }

  check(schema: unknown): void {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
      throw new TypeError(`${this.#what} is not a schema`)
    this.#schema(schema, '', schemaDepthMax)
    for (const { path, to } of this.#references)
      if (!this.#names.has(to)) throw this.#wrong(path, `refers to ${to}, which is not there`)
  }

  #schema(schema: unknown, path: string, depth: number): void {
    if (typeof schema !== 'object' || schema === null) {
      this.#data(schema, path, depth)
      return
    }
    if (depth === 0)
      throw this.#wrong('', `is nested more than ${schemaDepthMax} levels deep, or a circle`)
    if (Array.isArray(schema)) {
      for (const [i, item] of schema.entries()) this.#schema(item, inside(path, i), depth - 1)
      return
    }
    this.#node(schema, path)
    for (const [name, child] of Object.entries(schema)) {
      const at = inside(path, name)
      if (schemaKeywords.has(name)) this.#schema(child, at, depth - 1)
      else if (namedKeywords.has(name) && typeof child === 'object' && child !== null)
        for (const [key, it] of Object.entries(child)) this.#schema(it, inside(at, key), depth - 1)
      else this.#data(child, at, depth - 1)
    }
  }

  #node({ type, $ref, $id, $defs }: Node, path: string): void {
    for (const name of type === undefined ? [] : [type].flat())
      if (!dataTypeNames.has(name))
        throw this.#wrong(path, `is of type ${String(name)}, of which no data can be kept`)
    if ($id !== undefined) this.#names.add(String($id))
    if (typeof $defs === 'object' && $defs !== null)
      for (const name of Object.keys($defs)) this.#names.add(name).add(`#/$defs/${name}`)
    if ($ref !== undefined) this.#references.push({ path, to: String($ref) })
  }

  /** The schema is told in JSON. */
  #data(data: unknown, path: string, depth: number): void {
    if (typeof data === 'bigint' || typeof data === 'symbol' || typeof data === 'function')
      throw this.#wrong(path, `is a ${typeof data}, which cannot be written as JSON`)
    if (typeof data !== 'object' || data === null) return
    if (depth === 0)
      throw this.#wrong('', `is nested more than ${schemaDepthMax} levels deep, or a circle`)
    for (const [name, child] of Object.entries(data))
      this.#data(child, inside(path, name), depth - 1)
  }

  #wrong(path: string, problem: string): TypeError {
    return new TypeError(`${this.#what}: ${path === '' ? 'it' : path} ${problem}`)
  }
}

const inside = (path: string, name: string | number): string =>
  path === '' ? String(name) : `${path}.${name}`

/** The types of data that the schema may admit; undefined when it does not say. */
export function typesOf(schema: unknown): ReadonlySet<DataType> | undefined {
  const { type, const: only, enum: values, anyOf, oneOf, allOf } = schema as Node
  if (type !== undefined) return new Set([type].flat() as DataType[])
  if (only !== undefined) return new Set([typeOf(only)])
  if (Array.isArray(values)) return new Set(values.map(typeOf))
  const options = anyOf ?? oneOf
  if (options) {
    const types = options.map(typesOf)
    if (types.some((it) => it === undefined)) return undefined
    return new Set(types.flatMap((it) => [...(it ?? [])]))
  }
  for (const part of allOf ?? []) {
    const types = typesOf(part)
    if (types) return types
  }
  return undefined
}

function typeOf(value: unknown): DataType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as DataType
}
