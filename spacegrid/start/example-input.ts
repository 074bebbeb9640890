import { checkFits } from '@spacegrid/grid/core/validation'
import type { TSchema } from 'typebox'

/** What is looked at of a JSON schema. */
interface Described {
  readonly type?: string
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Described[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Described
  readonly properties?: Readonly<Record<string, Described>>
  readonly required?: readonly string[]
}

/**
 * An input that fits a schema, to be tried: of the schema's own `examples` as far as it has them;
 * undefined when none is found.
 */
export function exampleInput(schema: TSchema): unknown {
  const example = exampleOf(schema as Described, 'example')
  try {
    checkFits(schema, example, 'example')
    return example
  } catch {
    // A pattern, or a rule for the whole, that nobody but its author has an example for.
    return undefined
  }
}

function exampleOf(schema: Described, name: string): unknown {
  const given = [schema.examples?.[0], schema.default, schema.const, schema.enum?.[0]]
  const [first] = given.filter((one) => one !== undefined)
  if (first !== undefined) return first
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0], name)
  switch (schema.type) {
    case 'string':
      return name
    case 'integer':
    case 'number':
      return Math.min(Math.max(1, schema.minimum ?? 1), schema.maximum ?? Number.POSITIVE_INFINITY)
    case 'boolean':
      return true
    case 'array':
      return (schema.minItems ?? 0) > 0 && schema.items ? [exampleOf(schema.items, name)] : []
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((field) => [
          field,
          exampleOf(schema.properties?.[field] ?? {}, field),
        ]),
      )
    default:
      return null
  }
}
