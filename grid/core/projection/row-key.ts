import type { Scalar } from '../data-types.ts'

/** Key of the one row of a projection that does not group. */
export const onlyRowKey = 'all'

/**
 * Key of the row of a group, of the values it is grouped by: `rowKey('concert', 'A')` is
 * `concert/A`. Of several values a slash and a percent sign in a text are written as in URLs, so
 * that no two groups have one key; a single text is its own key.
 */
export function rowKey(...values: readonly [Scalar, ...Scalar[]]): string {
  if (values.length === 1) return String(values[0])
  return values.map(part).join('/')
}

const part = (value: Scalar): string =>
  typeof value === 'string' ? value.replaceAll('%', '%25').replaceAll('/', '%2F') : String(value)
