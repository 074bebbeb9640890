import type { Value } from './data-types.ts'
import {
  collided,
  type Evaluation,
  evaluateSound,
  evaluateSteps,
  isValid,
  rememberedOf,
  unsound,
  type Write,
} from './evaluation.ts'
import { freezeDeeply } from './freeze.ts'
import { type Hold, holdValue, isKeepable, readHold } from './hold.ts'
import type { HeldRange } from './hold-terms.ts'
import type { Holds, Touched } from './holds.ts'
import { cacheEntriesMax, heldWritesMax, holdsMax, holdWeightMax } from './limits.ts'
import { idempotencyCacheNumber } from './shape.ts'
import { isSound } from './sound.ts'
import type { SpaceState } from './space-state.ts'
import {
  type DecideStep,
  type FinishStep,
  type FollowUp,
  type HoldFate,
  type HoldTerms,
  isFollowUp,
  type Step,
  StepKind,
  type TransactionRecord,
} from './steps.ts'
import type { View } from './view.ts'

/** Of a transaction whose time, whatever it is, has come and is not over: foreseen, not melded. */
export const wheneverItLands = Number.POSITIVE_INFINITY

type Applied = Extract<Evaluation, { outcome: 'applied' }>

/**
 * What becomes of a transaction where something may be held, or that prepares, or follows up, a
 * command across partitions. Total and pure, as `evaluate` is. docs/decisions/0033; the rules that
 * are named here are those of the model there.
 */
export function evaluateAmongHolds(
  state: SpaceState,
  transaction: TransactionRecord,
  id: number,
): Evaluation {
  if (!isSound(state.layout, transaction)) return unsound
  return evaluateAcross(state, transaction, id, state.time, state.holds)
}

/** Whether what was read is as it was read, and in nobody's hands. */
export function isConfirmed(
  state: SpaceState,
  { reads, ranges }: Pick<TransactionRecord, 'reads' | 'ranges'>,
): boolean {
  if (!isValid(state, { reads, ranges })) return false
  if (state.holds.size === 0) return true
  // Or two readers might see a commit in the wrong order: the rule `read-held`.
  return state.holds.inTheWay(state, { reads, ranges, steps: none, writes: none }) === undefined
}

/**
 * The same as `evaluateAmongHolds` of a transaction that is known to be sound. `holds` are not
 * looked at where they are left out: a unit foresees what its own transactions do.
 */
export function evaluateAcross(
  view: View,
  transaction: TransactionRecord,
  id: number,
  time: number,
  holds?: Holds,
): Evaluation {
  try {
    const { hold, steps } = transaction
    const [first] = steps
    if (hold !== undefined) return prepare(view, transaction, hold, id, time, holds)
    if (first !== undefined && isFollowUp(first)) return followUp(view, first, id, time)
    return ordinary(view, transaction, id, time, holds)
  } catch {
    // As in `evaluate`: that is so on every replica.
    return unsound
  }
}

const none: readonly never[] = []

const heldBy = ({ attempt }: Hold): Evaluation => ({ outcome: 'collided', hold: attempt })

/** Strict two-phase locking in a log: whoever collides with a hold runs again. */
function ordinary(
  view: View,
  transaction: TransactionRecord,
  id: number,
  time: number,
  holds: Holds | undefined,
): Evaluation {
  const { reads, ranges, steps } = transaction
  if (!holds) return evaluateSound(view, transaction, id, time)
  if (time < transaction.notBefore || !isValid(view, transaction)) return collided
  const before = holds.inTheWay(view, { reads, ranges, steps, writes: none })
  if (before) return heldBy(before)
  const evaluation = evaluateSteps(view, steps, id)
  if (evaluation.outcome !== 'applied') return evaluation
  const behind = holds.inTheWay(view, { ...nothing, writes: evaluation.writes })
  return behind ? heldBy(behind) : evaluation
}

const nothing: Touched = { reads: none, ranges: none, steps: none, writes: none }

function prepare(
  view: View,
  transaction: TransactionRecord,
  terms: HoldTerms,
  id: number,
  time: number,
  holds: Holds | undefined,
): Evaluation {
  const { attempt, notAfter, key } = terms
  // Whoever has asked for a verdict may have been told "abort" already, and nothing remembers that:
  // the rule `not-after`.
  if (time > notAfter && time !== wheneverItLands) return collided
  if (view.find(view.layout.holds, attempt)) return collided
  const evaluation = ordinary(view, transaction, id, time, holds)
  if (evaluation.outcome !== 'applied') return evaluation
  if (key !== undefined && holds) {
    const other = holds.inTheWay(view, { ...nothing, writes: [lockOf(key)] })
    if (other) return heldBy(other)
  }
  const hold = holdOf(transaction, terms, evaluation, id, time)
  const full = holds && fullCache(view, hold, holds)
  if (full !== undefined) return cacheFull(full)
  const value = holdValue(hold)
  if (!isKeepable(hold, value)) return tooLarge
  const write = { cache: view.layout.holds, key: attempt, value, version: id }
  return { outcome: 'applied', writes: [write], outcomes: evaluation.outcomes }
}

const lockOf = (key: string) => ({ cache: idempotencyCacheNumber, key, value: undefined })

/** What was read and will be written too is held exclusively already. */
function holdOf(
  { reads, ranges, steps, events }: TransactionRecord,
  terms: HoldTerms,
  { writes }: Applied,
  id: number,
  since: number,
): Hold {
  const own = new Set(writes.map(({ cache, key }) => `${cache}/${key}`))
  const shared = reads.filter(({ cache, key }) => !own.has(`${cache}/${key}`))
  return {
    ...terms,
    since,
    id,
    reads: shared.map(({ cache, key }) => [cache, key] as const),
    ranges: [...ranges.map(rangeOf), ...takenRanges(steps)],
    writes,
    events,
  }
}

const rangeOf = ({ cache, index, range }: HeldRange): HeldRange => ({ cache, index, range })

/**
 * What a take has claimed the first of must not get others before it is finished. Entries that
 * steps before it had hidden from it are among the first of the range again.
 */
function takenRanges(steps: readonly Step[]): HeldRange[] {
  const ranges: HeldRange[] = []
  let hidden = 0
  for (const step of steps) {
    if (step.kind === StepKind.take) {
      const { cache, index, range, limit } = step
      ranges.push({ cache, index, range: { ...range, limit: limit + hidden } })
      hidden += limit
    } else hidden++
  }
  return ranges
}

/** Name of a cache that may not take what is held, once it is to be written. */
function fullCache(view: View, { writes }: Hold, holds: Holds): string | undefined {
  if (holds.size >= holdsMax) return view.layout.cache(view.layout.holds).name
  const counts = new Map<number, { held: number; created: number }>()
  for (const { cache, key, value } of writes) {
    const count = counts.get(cache) ?? { held: 0, created: 0 }
    count.held++
    if (value !== undefined && !view.find(cache, key)) count.created++
    counts.set(cache, count)
  }
  for (const [cache, { held, created }] of counts) {
    const isFull =
      holds.writesOf(cache) + held > heldWritesMax ||
      (created > 0 && sizeOf(view, cache) + created > cacheEntriesMax)
    if (isFull) return view.layout.cache(cache).name
  }
  return undefined
}

/** Of what is melded the committed entries count. */
const sizeOf = (view: View, cache: number): number =>
  'cache' in view ? (view as SpaceState).cache(cache).entries.size : 0

function followUp(view: View, step: FollowUp, id: number, time: number): Evaluation {
  if (step.kind === StepKind.decide) return decide(view, step, id, time)
  if (step.kind === StepKind.finish) return finish(view, step, id)
  const { attempt } = step
  if (!view.find(view.layout.commits, attempt)) return told('nothing', none)
  return told('forgotten', [erased(view.layout.commits, attempt, id)])
}

function decide(
  view: View,
  { attempt, verdict, asked, notAfter, remember }: DecideStep,
  id: number,
  time: number,
): Evaluation {
  const { layout } = view
  // The rule `first-verdict`.
  if (view.find(layout.commits, attempt)) return told('commit', none)
  // Only when the prepare can no longer land does "not committed" stay true without anybody
  // remembering it: the rule `asked-late`.
  if (asked && time <= notAfter) return told('too early', none)
  const hold = heldHere(view, attempt, true)
  if (!hold) return told('abort', none)
  const end = erased(layout.holds, attempt, id)
  if (verdict === 'abort') return told('abort', [end])
  const { participants } = hold
  const commit: Value = { key: attempt, participants, decidedAt: time }
  const writes = [
    ...hold.writes,
    ...(remember ? [rememberedOf(remember, none, id)] : none),
    // Until all have finished: the rule `remember-commit`. Aborts need no memory.
    { cache: layout.commits, key: attempt, value: freezeDeeply(commit), version: id },
    end,
  ]
  return told('commit', writes, hold)
}

function finish(view: View, { attempt, verdict }: FinishStep, id: number): Evaluation {
  const hold = heldHere(view, attempt, false)
  if (!hold) return told('nothing', none)
  const end = erased(view.layout.holds, attempt, id)
  if (verdict === 'abort') return told('abort', [end])
  return told('commit', [...hold.writes, end], hold)
}

/**
 * What is held in this partition, if it is the coordinator's, or one of the others: what is held
 * there only a decision ends, and what is held in the others only what follows from it.
 */
function heldHere(view: View, attempt: string, isCoordinator: boolean): Hold | undefined {
  const hold = readHold(view.find(view.layout.holds, attempt)?.value)
  return hold && (hold.partition === hold.coordinator) === isCoordinator ? hold : undefined
}

const erased = (cache: number, key: string, version: number): Write => ({
  cache,
  key,
  value: undefined,
  version,
})

function told(fate: HoldFate, writes: readonly Write[], hold?: Hold): Evaluation {
  const outcomes = [fate]
  if (!hold || hold.events.length === 0) return { outcome: 'applied', writes, outcomes }
  const { events, id } = hold
  return { outcome: 'applied', writes, outcomes, settled: { events, id } }
}

const cacheFull = (cache: string): Evaluation => ({
  outcome: 'refused',
  reason: 'cache_full',
  details: { cache, entriesMax: cacheEntriesMax },
  fault: 'cache_full',
})

const tooLarge: Evaluation = {
  outcome: 'refused',
  reason: 'hold_too_large',
  details: { weightMax: holdWeightMax },
  fault: 'hold_too_large',
}
