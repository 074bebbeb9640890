import type { Value } from './data-types.ts'
import { areTerms, isHeldRange } from './hold-terms.ts'
import type { Layout } from './layout.ts'
import { keyBytesMax } from './limits.ts'
import {
  type FollowUp,
  isFollowUp,
  type RememberStep,
  type Step,
  StepKind,
  type TransactionRecord,
} from './steps.ts'

/**
 * Whether what a transaction from the log would leave is what every hop behind can take: it writes
 * to caches that are there, under keys that are keys, values that are objects. Whoever sends one
 * has checked far more; this decides alike on every replica about those that somebody else has
 * written, or an earlier version. It refuses nothing that an earlier version has melded.
 */
export function isSound(layout: Layout, transaction: TransactionRecord): boolean {
  const { steps, hold } = transaction
  for (const step of steps) if (!isSoundStep(layout, step)) return false
  if (hold !== undefined) return isSoundPrepare(layout, transaction)
  return steps.length < 2 || !steps.some(isFollowUp)
}

/**
 * What is held is compared with whatever others write, so its ranges are ranges. Its answer is
 * remembered when it is decided, not before.
 */
function isSoundPrepare(layout: Layout, { hold, steps, ranges }: TransactionRecord): boolean {
  if (layout.holds < 0 || layout.commits < 0 || !areTerms(hold)) return false
  for (const range of ranges) if (!isHeldRange(layout, range)) return false
  for (const step of steps) {
    if (step.kind === StepKind.remember || isFollowUp(step)) return false
    if (step.kind === StepKind.archive) return false
    if (step.kind === StepKind.take && !isHeldRange(layout, step)) return false
  }
  return true
}

function isSoundFollowUp(layout: Layout, step: FollowUp): boolean {
  if (layout.holds < 0 || layout.commits < 0 || !isKey(step.attempt)) return false
  if (step.kind === StepKind.forget) return true
  if (step.verdict !== 'commit' && step.verdict !== 'abort') return false
  if (step.kind === StepKind.finish) return true
  const { notAfter, remember } = step
  return (
    Number.isFinite(notAfter) &&
    (remember === undefined || (remember.kind === StepKind.remember && isSoundRemember(remember)))
  )
}

const isSoundRemember = (step: RememberStep): boolean =>
  isKey(step.key) && areSlots(step) && (step.hash === undefined || isCount(step.hash))

function isSoundStep(layout: Layout, step: Step): boolean {
  if (step.kind === StepKind.remember) return isSoundRemember(step)
  if (isFollowUp(step)) return isSoundFollowUp(layout, step)
  // What is held, and what was decided, is written by no step but those.
  if (layout.holds >= 0 && (step.cache === layout.holds || step.cache === layout.commits))
    return false
  // A name in the place of the number may be a member that every list has.
  const cache = isCount(step.cache) ? layout.caches[step.cache] : undefined
  if (cache === undefined) return false
  if (step.kind === StepKind.take)
    return isObject(step.patch) && !Object.hasOwn(step.patch, cache.key)
  if (!isKey(step.key)) return false
  if (step.kind === StepKind.put) return isObject(step.value)
  if (step.kind === StepKind.delete) return true
  if (step.kind === StepKind.archive) return cache.archiveIndex !== undefined
  const { field, initial } = step
  if (typeof field !== 'string' || field === cache.key) return false
  if (!(initial === undefined || isObject(initial))) return false
  return step.kind === StepKind.append || Number.isFinite(step.by)
}

const isKey = (key: unknown): boolean =>
  typeof key === 'string' && key.length > 0 && key.length <= keyBytesMax

const isObject = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** In a list they name places that it has: any other would make it as long as it says. */
function areSlots({ data, slots }: RememberStep): boolean {
  if (!isObject(slots)) return false
  return !Array.isArray(data) || Object.keys(slots).every((name) => name === '' || name in data)
}
