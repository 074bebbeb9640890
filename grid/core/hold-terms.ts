import type { IndexRange, Value } from './data-types.ts'
import { isScalar } from './index-order.ts'
import type { Layout } from './layout.ts'
import { keyBytesMax } from './limits.ts'
import { partitionsMax } from './partition.ts'
import type { HoldTerms, RangeRead } from './steps.ts'

/** Read by an operation or a handler: what it gave must stay as it is. */
export type HeldRange = Pick<RangeRead, 'cache' | 'index' | 'range'>

/** Whether terms are such; of a transaction they come as somebody has written them. */
export function areTerms(terms: unknown): terms is HoldTerms {
  if (!isObject(terms)) return false
  const { attempt, partition, coordinator, participants, notAfter, key } = terms
  return (
    isKey(attempt) &&
    isPartition(partition) &&
    isPartition(coordinator) &&
    Array.isArray(participants) &&
    participants.length <= partitionsMax &&
    participants.every(isPartition) &&
    Number.isFinite(notAfter) &&
    (key === undefined || isKey(key))
  )
}

/** Whether a range is one of an index that is there: it can be compared with any entry. */
export const isHeldRange = (layout: Layout, { cache, index, range }: HeldRange): boolean =>
  isCount(cache) && isCount(index) && !!layout.caches[cache]?.orders[index] && isRange(range)

export function isRange(range: unknown): range is IndexRange {
  if (!isObject(range)) return false
  const { equals, from, after, to, before, limit } = range
  if (equals !== undefined && !(Array.isArray(equals) && equals.every(isScalar))) return false
  const bounds = [from, after, to, before]
  return (
    bounds.every((bound) => bound === undefined || isScalar(bound)) &&
    (limit === undefined || isCount(limit))
  )
}

export const isKey = (key: unknown): key is string =>
  typeof key === 'string' && key.length > 0 && key.length <= keyBytesMax

export const isObject = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

const isPartition = (value: unknown): value is number => isCount(value) && value < partitionsMax
