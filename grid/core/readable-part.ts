import type { Value } from './data-types.ts'

/** The fields that callers may see. */
export type ReadableFields = readonly string[] | 'all'

/**
 * The indexes by which callers may look: those whose fields they may read. By any other one they
 * could find out, range by range, what is kept from them.
 */
export function readableIndexes(
  indexes: Readonly<Record<string, readonly string[]>>,
  readable: ReadableFields,
): ReadonlyMap<string, readonly string[]> {
  const all = Object.entries(indexes)
  if (readable === 'all') return new Map(all)
  return new Map(all.filter(([, fields]) => fields.every((field) => readable.includes(field))))
}

/** What callers may see of an entry, a row or the payload of an event. */
export function readablePart(value: Value, fields: ReadableFields): Value {
  if (fields === 'all') return value
  return Object.fromEntries(
    fields.filter((field) => Object.hasOwn(value, field)).map((field) => [field, value[field]]),
  )
}
