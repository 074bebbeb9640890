import type { IndexRange, Value } from './definition.ts'
import type { CacheLayout, Layout } from './layout.ts'
import { keyBytesMax } from './limits.ts'
import { type Step, StepKind, type TransactionRecord } from './steps.ts'

/**
 * Whether a transaction that came from the log can be evaluated at all: everything it names is there, and every argument is of its kind. Whoever
 * sends one has checked it; this decides alike on every replica about those that somebody else has written, or an earlier version.
 */
export function isSound(layout: Layout, { reads, ranges, steps }: TransactionRecord): boolean {
  for (let i = 0; i < steps.length; i++) if (!isSoundStep(layout, steps[i] as Step, i)) return false
  for (const { cache, key } of reads)
    if (cacheAt(layout, cache) === undefined || typeof key !== 'string') return false
  for (const { cache, index, range } of ranges)
    if (!isSoundRange(cacheAt(layout, cache), index, range)) return false
  return true
}

/** A name in the place of the number may be a member that every list has. */
const cacheAt = (layout: Layout, number: number): CacheLayout | undefined =>
  isCount(number) ? layout.caches[number] : undefined

function isSoundStep(layout: Layout, step: Step, place: number): boolean {
  if (step.kind === StepKind.remember)
    return isKey(step.key) && isObject(step.slots) && areSlots(step.slots, place)
  const cache = cacheAt(layout, step.cache)
  if (cache === undefined) return false
  if (step.kind === StepKind.take)
    return (
      isSoundRange(cache, step.index, step.range) &&
      isCount(step.limit) &&
      isCount(step.atLeast) &&
      isObject(step.patch) &&
      !Object.hasOwn(step.patch, cache.key) &&
      typeof step.otherwise === 'string'
    )
  if (!isKey(step.key)) return false
  if (step.kind === StepKind.put) return isObject(step.value)
  if (step.kind === StepKind.delete) return true
  const { field, max, initial, otherwise } = step
  if (typeof field !== 'string' || field === cache.key || typeof otherwise !== 'string')
    return false
  if (!isNumberOrNone(max) || !(initial === undefined || isObject(initial))) return false
  return step.kind === StepKind.append
    ? Array.isArray(step.items)
    : Number.isFinite(step.by) && isNumberOrNone(step.min)
}

function isSoundRange(cache: CacheLayout | undefined, index: number, range: IndexRange): boolean {
  const fields = isCount(index) ? cache?.orders[index]?.fields.length : undefined
  if (fields === undefined || !isObject(range)) return false
  const { equals, limit } = range
  if (equals !== undefined && !(Array.isArray(equals) && equals.every(isScalar))) return false
  if (limit !== undefined && !isCount(limit)) return false
  const bounds = [range.from, range.after, range.to, range.before].filter((b) => b !== undefined)
  return (equals?.length ?? 0) + Math.min(bounds.length, 1) <= fields && bounds.every(isScalar)
}

const isKey = (key: unknown): boolean =>
  typeof key === 'string' && key.length > 0 && key.length <= keyBytesMax

const isObject = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isNumberOrNone = (value: unknown): boolean =>
  value === undefined || (typeof value === 'number' && !Number.isNaN(value))

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && !Number.isNaN(value))

/** Each names a step before this one. */
const areSlots = (slots: Value, place: number): boolean =>
  Object.values(slots).every((step) => isCount(step) && (step as number) < place)
