import type { IndexRange, Scalar, Value } from '@spacegrid/grid/core/data-types'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache } from '@spacegrid/grid/core/transaction'

/** The entries of an index range, found by looking at all of them. */
export function naiveRange(
  of: AnyCache | AnyProjection,
  entries: Iterable<readonly [key: string, value: Value]>,
  index: string,
  range: IndexRange,
): [string, Value][] {
  const fields = of.indexes[index]
  if (!fields) throw new Error(`${of.name} has no index ${index}`)
  const { equals = [], from, after, to, before, reverse = false, limit } = range
  const next = fields[equals.length]
  const isInside = (value: Value): boolean => {
    if (!fields.every((field) => ranks(value[field]))) return false
    if (equals.some((wanted, at) => value[fields[at] as string] !== wanted)) return false
    if (next === undefined) return true
    const is = value[next]
    return (
      (from === undefined || naiveOrder(is, from) >= 0) &&
      (after === undefined || naiveOrder(is, after) > 0) &&
      (to === undefined || naiveOrder(is, to) <= 0) &&
      (before === undefined || naiveOrder(is, before) < 0)
    )
  }
  const found = [...entries]
    .filter(([, value]) => isInside(value))
    .map(([key, value]): [string, Value] => [key, value])
    .sort(([keyA, a], [keyB, b]) => {
      for (const field of fields) {
        const by = naiveOrder(a[field], b[field])
        if (by !== 0) return by
      }
      return keyA < keyB ? -1 : 1
    })
  if (reverse) found.reverse()
  return limit === undefined ? found : found.slice(0, limit)
}

const types = ['boolean', 'number', 'string']

/** Whether an index can hold it. */
const ranks = (value: unknown): value is Scalar =>
  types.includes(typeof value) && !Number.isNaN(value)

/** Booleans before numbers before texts. */
export function naiveOrder(a: unknown, b: unknown): number {
  const byType = types.indexOf(typeof a) - types.indexOf(typeof b)
  if (byType !== 0) return byType
  if (a === b) return 0
  return (a as number) < (b as number) ? -1 : 1
}
