import type { IndexRange, Value } from './data-types.ts'

/**
 * What a transaction does, as it travels in the log. Caches and indexes are named by their number
 * in the layout. Numbers of the kinds are part of the format.
 */
export const StepKind = {
  put: 0,
  delete: 1,
  increment: 2,
  append: 3,
  take: 4,
  remember: 5,
  decide: 6,
  finish: 7,
  forget: 8,
  // 9 stands for a `remember` with a hash, where it is written.
  archive: 10,
} as const

export interface PutStep {
  readonly kind: typeof StepKind.put
  readonly cache: number
  readonly key: string
  readonly value: Value
}

export interface DeleteStep {
  readonly kind: typeof StepKind.delete
  readonly cache: number
  readonly key: string
}

/**
 * Takes an entry out of memory, while the store keeps it. Always the first step of its transaction.
 */
export interface ArchiveStep {
  readonly kind: typeof StepKind.archive
  readonly cache: number
  readonly key: string
}

interface OperationStep {
  /**
   * Digest of the entries the operation was foreseen to leave, when its outcome was looked at: the
   * transaction then collides if it leaves others. undefined: any outcome will do.
   */
  expected: number | undefined
  /** Reason of the rejection when the operation's condition fails. */
  readonly otherwise: string
}

export interface IncrementStep extends OperationStep {
  readonly kind: typeof StepKind.increment
  readonly cache: number
  readonly key: string
  readonly field: string
  readonly by: number
  readonly min: number | undefined
  readonly max: number | undefined
  readonly initial: Value | undefined
}

export interface AppendStep extends OperationStep {
  readonly kind: typeof StepKind.append
  readonly cache: number
  readonly key: string
  readonly field: string
  readonly items: readonly unknown[]
  readonly max: number | undefined
  readonly initial: Value | undefined
}

export interface TakeStep extends OperationStep {
  readonly kind: typeof StepKind.take
  readonly cache: number
  readonly index: number
  readonly range: IndexRange
  readonly limit: number
  readonly atLeast: number
  readonly patch: Value
}

/**
 * Remembers a command's answer under its idempotency key, in the same transaction. Always the last
 * step.
 */
export interface RememberStep {
  readonly kind: typeof StepKind.remember
  readonly key: string
  readonly command: string
  /** Fingerprint of the command's input. */
  readonly input: string
  /**
   * The handler's data; the outcomes of the steps named in `slots` are filled in when it is melded.
   */
  readonly data: unknown
  readonly slots: Slots
  readonly expiresAt: number
  /**
   * Of the command's partition key, in a space with several partitions: it belongs where the
   * command does, whatever their number becomes.
   */
  readonly hash?: number
}

/**
 * Field of the handler's data (or '' for the data itself) → number of the step whose outcome
 * belongs there.
 */
export type Slots = Readonly<Record<string, number>>

/** Of data without outcomes. */
export const noSlots: Slots = {}

export type Operation = IncrementStep | AppendStep | TakeStep

/** What is to become of a command across partitions. */
export type Verdict = 'commit' | 'abort'

/**
 * In the coordinator's partition: says what becomes of an attempt. The first verdict counts, and it
 * finishes what is held there.
 */
export interface DecideStep {
  readonly kind: typeof StepKind.decide
  readonly attempt: string
  readonly verdict: Verdict
  /** Somebody else asks, not the coordinator: only after `notAfter`. */
  readonly asked: boolean
  /** Log time (ms) until which the prepares of the attempt may land. */
  readonly notAfter: number
  /** Of a commit: the answer, under the command's idempotency key. Its outcomes are filled in. */
  readonly remember: RememberStep | undefined
}

/** In the other partitions: applies or drops what is held. */
export interface FinishStep {
  readonly kind: typeof StepKind.finish
  readonly attempt: string
  readonly verdict: Verdict
}

/** In the coordinator's partition: all have finished. */
export interface ForgetStep {
  readonly kind: typeof StepKind.forget
  readonly attempt: string
}

/** Follows up what has been prepared. Always alone in its transaction. */
export type FollowUp = DecideStep | FinishStep | ForgetStep

/** Of `DecideStep`, `FinishStep` and `ForgetStep`, as their step's outcome. */
export type HoldFate = Verdict | 'too early' | 'nothing' | 'forgotten'

export type Step = PutStep | DeleteStep | ArchiveStep | Operation | RememberStep | FollowUp

export const isFollowUp = (step: Step): step is FollowUp =>
  step.kind >= StepKind.decide && step.kind !== StepKind.archive

/** Makes a transaction a prepare: valid and free, it is held instead of applied. */
export interface HoldTerms {
  /** Id of the attempt, the same in all partitions; never used twice. */
  readonly attempt: string
  /** The one whose log this is in. */
  readonly partition: number
  /** The one that decides. */
  readonly coordinator: number
  /** All of them, the coordinator's among them. */
  readonly participants: readonly number[]
  /** Log time (ms) until which it may land. */
  readonly notAfter: number
  /**
   * In the coordinator's partition: the idempotency key under which the answer will be remembered.
   * undefined: none.
   */
  readonly key: string | undefined
}

export interface KeyRead {
  readonly cache: number
  readonly key: string
  /** Version it had, 0 when there was no entry. */
  readonly version: number
}

export interface RangeRead {
  readonly cache: number
  readonly index: number
  readonly range: IndexRange
  /** Digest of the entries it held, in order. */
  readonly digest: number
}

export interface DomainEvent {
  readonly name: string
  readonly payload: Value
}

/** A transaction as it travels in the log. */
export interface TransactionRecord {
  /** Counts the origin's transactions; its identity is derived from it. */
  readonly number: number
  readonly reads: readonly KeyRead[]
  readonly ranges: readonly RangeRead[]
  readonly steps: readonly Step[]
  readonly events: readonly DomainEvent[]
  /**
   * Log time (ms) before which it must not apply: it then collides. 0: any time. How expiry is
   * judged by the log's time.
   */
  readonly notBefore: number
  /**
   * Name of the command that has made it, for people; nothing is decided by it. Left out: it was
   * due, follows up another one, or an earlier version has written it.
   */
  readonly command?: string | undefined
  /** It is a part of a command across partitions, and only prepares what it does. */
  readonly hold?: HoldTerms
}

/** Whether it is of a command across partitions: a prepare, or what follows one. */
export function isAcross({ hold, steps }: TransactionRecord): boolean {
  if (hold !== undefined) return true
  const [first] = steps
  return first !== undefined && isFollowUp(first)
}

/** Whether it takes an entry out of memory. */
export const isArchiving = ({ steps }: TransactionRecord): boolean =>
  steps[0]?.kind === StepKind.archive

/** The handler's data with the outcomes of its operations in place. */
export function fillSlots(data: unknown, slots: Slots, outcomes: readonly unknown[]): unknown {
  if (slots === noSlots) return data
  const whole = slots['']
  if (whole !== undefined) return outcomes[whole]
  let copy: Record<string, unknown> | undefined
  for (const name in slots) {
    copy ??= (Array.isArray(data) ? [...data] : { ...(data as object) }) as Record<string, unknown>
    copy[name] = outcomes[slots[name] as number]
  }
  return copy ? Object.freeze(copy) : data
}
