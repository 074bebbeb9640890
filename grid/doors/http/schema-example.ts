import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'

/** The part of JSON Schema that an example can be made from. */
interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly examples?: readonly unknown[]
  readonly example?: unknown
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly items?: JsonSchema | readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
}

const formats: Readonly<Record<string, string>> = {
  'date-time': '2030-06-01T20:00:00Z',
  date: '2030-06-01',
  time: '20:00:00Z',
  email: 'ada@shop.example',
  uri: 'https://shop.example',
  uuid: '3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a',
}

/** What is nested deeper is left to whoever reads the schema. */
const depthMax = 8

/**
 * A value that people can read, made of the examples, defaults and fixed values that a schema
 * declares, and of what its types say where it declares none.
 * @returns undefined where none can be made that fits the schema
 */
export function schemaExample(schema: object): unknown {
  const made = exampleOf(schema, 'text', 0)
  try {
    return made !== undefined && Check(schema as TSchema, made) ? made : undefined
  } catch {
    // What cannot be compiled on its own, such as a reference, has no example.
    return undefined
  }
}

/** @param name of the property, which stands for a text that nothing more is known of */
function exampleOf(schema: JsonSchema, name: string, depth: number): unknown {
  if (depth > depthMax) return undefined
  const [declared = schema.example ?? schema.default ?? schema.const ?? schema.enum?.[0]] =
    schema.examples ?? []
  if (declared !== undefined) return declared
  const [first] = schema.anyOf ?? schema.oneOf ?? []
  if (first) return exampleOf(first, name, depth + 1)
  const { type = schema.properties ? 'object' : undefined } = schema
  switch (typeof type === 'object' ? type[0] : type) {
    case 'object':
      return objectExample(schema, depth)
    case 'array':
      return arrayExample(schema, name, depth)
    case 'string':
      return formats[schema.format ?? ''] ?? name.padEnd(schema.minLength ?? 0, '-')
    case 'integer':
    case 'number':
      return schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return undefined
  }
}

function objectExample({ properties = {}, required = [] }: JsonSchema, depth: number): object {
  const made = Object.entries(properties).flatMap(([name, property]) => {
    const example = exampleOf(property, name, depth + 1)
    const isLeftOut = example === undefined || !required.includes(name)
    return isLeftOut ? [] : [[name, example] as const]
  })
  return Object.fromEntries(made)
}

function arrayExample({ items, minItems = 1 }: JsonSchema, name: string, depth: number): unknown {
  if (Array.isArray(items)) return items.map((item) => exampleOf(item, name, depth + 1))
  const item = exampleOf((items as JsonSchema | undefined) ?? {}, name, depth + 1)
  return item === undefined ? [] : Array.from({ length: Math.max(1, minItems) }, () => item)
}
