import type { Value } from './data-types.ts'

/** The fields that callers may see. */
export type ReadableFields = readonly string[] | 'all'

/** What callers may see of an entry, a row or the payload of an event. */
export function readablePart(value: Value, fields: ReadableFields): Value {
  if (fields === 'all') return value
  return Object.fromEntries(
    fields.filter((field) => Object.hasOwn(value, field)).map((field) => [field, value[field]]),
  )
}
