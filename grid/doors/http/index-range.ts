import { Type } from 'typebox'
import type { IndexRange } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import { type ReadableFields, readableIndexes } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { invalidField } from '../../core/validation.ts'
import { QueryInput } from './query-input.ts'

export const bounds = ['from', 'after', 'to', 'before'] as const
const text = Type.Optional(Type.String())

/** The parameters that say which range of an index is meant. */
export const rangeParameters = {
  equals: Type.Optional(
    Type.Array(Type.String(), { description: 'Values of its first fields, one parameter each' }),
  ),
  ...{ from: text, after: text, to: text, before: text },
}

export type RangeParameters = { readonly [Bound in (typeof bounds)[number]]?: string } & {
  readonly equals?: readonly string[]
}

/**
 * The range that the parameters say, its values as the fields have them.
 * @throws GridError `invalid_input` with the parameter that is wrong
 */
export function rangeOf(
  cache: AnyCache,
  readable: ReadableFields,
  index: string,
  parameters: RangeParameters,
): IndexRange {
  const known = readableIndexes(cache.indexes, readable)
  const fields = known.get(index)
  if (!fields)
    throw invalidField(
      'index',
      `is none of those whose fields callers may read: ${[...known.keys()].join(', ') || 'none'}`,
    )
  const { equals = [] } = parameters
  const isBounded = bounds.some((bound) => parameters[bound] !== undefined)
  if (equals.length + (isBounded ? 1 : 0) > fields.length)
    throw invalidField(
      'equals',
      `and bounds are more than the fields of ${index}: ${fields.join(', ')}`,
    )
  const range: Record<string, unknown> = {
    equals: equals.map((value, at) => fieldValue(cache, fields[at] as string, 'equals', value)),
  }
  for (const bound of bounds) {
    const value = parameters[bound]
    if (value !== undefined)
      range[bound] = fieldValue(cache, fields[equals.length] as string, bound, value)
  }
  return range
}

/** The text of a parameter as the field has it. */
function fieldValue(
  { schema }: AnyCache,
  field: string,
  parameter: string,
  value: string,
): unknown {
  const one = Type.Object({ [field]: schema.properties[field] ?? Type.Any() })
  try {
    return new QueryInput(one).parse(`${encodeURIComponent(field)}=${encodeURIComponent(value)}`)[
      field
    ]
  } catch (error) {
    if (error instanceof GridError) throw invalidField(parameter, error.message)
    throw error
  }
}
