import type { Value } from './data-types.ts'
import type { EntryView } from './entry.ts'
import { hashString } from './hash.ts'
import { Overlay } from './overlay.ts'
import { idempotencyCacheNumber } from './shape.ts'
import { isSound } from './sound.ts'
import {
  type AppendStep,
  type DeleteStep,
  type DomainEvent,
  fillSlots,
  type IncrementStep,
  isFollowUp,
  type Operation,
  type PutStep,
  type RememberStep,
  type Step,
  StepKind,
  type TakeStep,
  type TransactionRecord,
} from './steps.ts'
import { absentVersion, derivedVersion, digestPairs } from './version.ts'
import { collect, type View } from './view.ts'

export interface Write {
  readonly cache: number
  readonly key: string
  /** undefined: deleted. */
  readonly value: Value | undefined
  readonly version: number
  /** It is gone from memory only: the store keeps it. */
  readonly archived?: true
}

/** What a transaction does to a view. */
export type Evaluation =
  | {
      readonly outcome: 'applied'
      readonly writes: readonly Write[]
      readonly outcomes: readonly unknown[]
      /** What was held and is applied with it: its events, and the identity that they bear. */
      readonly settled?: { readonly events: readonly DomainEvent[]; readonly id: number }
    }
  | {
      readonly outcome: 'refused'
      readonly reason: string
      readonly details: Value
      /**
       * It is no "no" of the application: the transaction cannot be evaluated, or there is no room
       * for what it makes.
       */
      readonly fault?: 'unsound' | 'cache_full' | 'hold_too_large'
      /** Place of the step that refuses, among its transaction's. */
      readonly step?: number
    }
  /** `hold`: the attempt that holds what it needs. */
  | { readonly outcome: 'collided'; readonly hold?: string }

export const collided: Evaluation = { outcome: 'collided' }

/** What becomes of a transaction that no replica can evaluate. */
export const unsound: Evaluation = {
  outcome: 'refused',
  reason: 'unsound',
  details: {},
  fault: 'unsound',
}

/** Whether everything the transaction read is in the view as it was read. */
export function isValid(
  view: View,
  transaction: Pick<TransactionRecord, 'reads' | 'ranges'>,
): boolean {
  for (const read of transaction.reads)
    if ((view.find(read.cache, read.key)?.version ?? absentVersion) !== read.version) return false
  for (const read of transaction.ranges)
    if (digestPairs(collect(view, read.cache, read.index, read.range)) !== read.digest) return false
  return true
}

/**
 * Validates and evaluates a transaction; the view stays as it is. Total: whatever the transaction
 * holds, every replica comes to the same decision, without an exception.
 */
export function evaluate(
  view: View,
  transaction: TransactionRecord,
  id: number,
  time: number,
): Evaluation {
  if (!isSound(view.layout, transaction)) return unsound
  return evaluateSound(view, transaction, id, time)
}

/**
 * The same for a transaction that is known to be sound: one's own, whose steps have been checked
 * one by one as they were recorded.
 */
export function evaluateSound(
  view: View,
  transaction: TransactionRecord,
  id: number,
  time: number,
): Evaluation {
  try {
    if (time < transaction.notBefore || !isValid(view, transaction)) return collided
    return evaluateSteps(view, transaction.steps, id)
  } catch {
    // What it names is not there, or is of no kind that can be worked with: that is so on every
    // replica.
    return unsound
  }
}

/**
 * Evaluates the steps one after the other, each seeing what those before it did. `first`: place of
 * the first of them in their transaction.
 */
export function evaluateSteps(
  view: View,
  steps: readonly Step[],
  id: number,
  first = 0,
): Evaluation {
  if (steps.length === 1) {
    // What most transactions are: their evaluation takes no more room than its one write.
    const step = steps[0] as Step
    if (step.kind === StepKind.put || step.kind === StepKind.delete)
      return { outcome: 'applied', writes: [writeOf(step, id)], outcomes: noOutcomes }
  }
  const writes: Write[] = []
  const outcomes: unknown[] = []
  const own = operatesOnOwnWrites(steps) ? new Overlay(view) : undefined
  const current: View = own ?? view
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step
    const from = writes.length
    if (step.kind === StepKind.put || step.kind === StepKind.delete) {
      writes.push(writeOf(step, id))
      outcomes.push(undefined)
    } else if (step.kind === StepKind.remember) writes.push(rememberedOf(step, outcomes, id))
    else if (isFollowUp(step)) return unsound
    else if (step.kind === StepKind.archive) {
      const { cache, key } = step
      // Sent with what was read of it, so that it is there; for whoever has sent it otherwise
      // nothing is there that could leave.
      if (current.find(cache, key))
        writes.push({ cache, key, value: undefined, version: id, archived: true })
      outcomes.push(undefined)
    } else {
      const versionOver = (previous: number) => derivedVersion(id, first + i, previous)
      const refusal = operate(current, step, versionOver, writes, outcomes)
      if (refusal) return refusedAt(refusal, first + i)
      if (step.expected !== undefined && step.expected !== foreseen(writes, from)) return collided
    }
    if (own) for (const made of writes.slice(from)) write(own, made)
  }
  return { outcome: 'applied', writes, outcomes }
}

const refusedAt = (refusal: Evaluation, step: number): Evaluation =>
  refusal.outcome === 'refused' ? { ...refusal, step } : refusal

const noOutcomes: readonly unknown[] = []

/** The entry under which an answer is remembered. */
export function rememberedOf(
  { key, command, input, data, slots, expiresAt, hash }: RememberStep,
  outcomes: readonly unknown[],
  version: number,
): Write {
  const remembered = { key, command, input, data: fillSlots(data, slots, outcomes), expiresAt }
  const value: Value = hash === undefined ? remembered : { ...remembered, hash }
  return { cache: idempotencyCacheNumber, key, value: Object.freeze(value), version }
}

const writeOf = (step: PutStep | DeleteStep, version: number): Write => ({
  cache: step.cache,
  key: step.key,
  value: step.kind === StepKind.put ? step.value : undefined,
  version,
})

/** Digest of what an operation leaves, given the writes it made from `from` on. */
export const foreseen = (writes: readonly Write[], from: number): number =>
  digestPairs(writes.slice(from).map(({ key, version }) => ({ keyHash: hashString(key), version })))

export const isOperation = (step: Step): step is Operation =>
  step.kind === StepKind.increment || step.kind === StepKind.append || step.kind === StepKind.take

/**
 * Whether an operation works on a cache that a step before it wrote: only then must steps see each
 * other. The second operation on a cache answers that, so the steps are looked through at most once
 * a cache.
 */
function operatesOnOwnWrites(steps: readonly Step[]): boolean {
  for (let i = 1; i < steps.length; i++) {
    const step = steps[i] as Step
    if (!isOperation(step)) continue
    for (let j = 0; j < i; j++) {
      const before = steps[j] as Step
      if ('cache' in before && before.cache === step.cache) return true
    }
  }
  return false
}

/** Fields set to undefined are not there. */
export function withoutUndefined(value: Value): Value {
  for (const name in value)
    if (value[name] === undefined)
      return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined))
  return value
}

const write = (overlay: Overlay, { cache, key, value, version }: Write): void =>
  overlay.write(cache, key, value, version)

const refused = (reason: string, details: Value = {}): Evaluation => ({
  outcome: 'refused',
  reason,
  details,
})

/** The version an operation leaves on an entry, given the one it met. */
type VersionOver = (previous: number) => number

function operate(
  view: View,
  step: Operation,
  versionOver: VersionOver,
  writes: Write[],
  outcomes: unknown[],
): Evaluation | undefined {
  if (step.kind === StepKind.take) return take(view, step, versionOver, writes, outcomes)
  const entry = view.find(step.cache, step.key)
  const base = entry?.value ?? step.initial
  if (base === undefined) return refused(step.otherwise, { missing: step.key })
  const result = step.kind === StepKind.increment ? increment(base, step) : append(base, step)
  if ('refusal' in result) return result.refusal
  writes.push({
    cache: step.cache,
    key: step.key,
    value: Object.freeze({ ...base, [step.field]: result.field }),
    version: versionOver(entry?.version ?? absentVersion),
  })
  outcomes.push(result.outcome)
  return undefined
}

type FieldResult =
  | { readonly field: unknown; readonly outcome: number }
  | { readonly refusal: Evaluation }

function increment(base: Value, step: IncrementStep): FieldResult {
  const before = base[step.field] ?? 0
  if (typeof before !== 'number') return { refusal: refused(step.otherwise, { field: step.field }) }
  const after = before + step.by
  if (!Number.isFinite(after)) return { refusal: refused(step.otherwise, { value: before }) }
  if (step.min !== undefined && after < step.min)
    return { refusal: refused(step.otherwise, { value: before, min: step.min }) }
  if (step.max !== undefined && after > step.max)
    return { refusal: refused(step.otherwise, { value: before, max: step.max }) }
  return { field: after, outcome: after }
}

function append(base: Value, step: AppendStep): FieldResult {
  const before = base[step.field] ?? []
  if (!Array.isArray(before)) return { refusal: refused(step.otherwise, { field: step.field }) }
  const after = Object.freeze([...before, ...step.items])
  if (step.max !== undefined && after.length > step.max)
    return { refusal: refused(step.otherwise, { length: before.length, max: step.max }) }
  return { field: after, outcome: after.length }
}

function take(
  view: View,
  step: TakeStep,
  versionOver: VersionOver,
  writes: Write[],
  outcomes: unknown[],
): Evaluation | undefined {
  const taken: EntryView[] = collect(view, step.cache, step.index, {
    ...step.range,
    limit: step.limit,
  })
  if (taken.length < step.atLeast)
    return refused(step.otherwise, { available: taken.length, wanted: step.limit })
  const values: Value[] = []
  for (const entry of taken) {
    const value = Object.freeze(withoutUndefined({ ...entry.value, ...step.patch }))
    values.push(value)
    writes.push({
      cache: step.cache,
      key: entry.key,
      value,
      version: versionOver(entry.version),
    })
  }
  outcomes.push(Object.freeze(values))
  return undefined
}
