import type { CacheDraft } from './cache-draft.ts'
import type { Value } from './data-types.ts'
import { isGridError } from './errors.ts'
import {
  collided,
  type Evaluation,
  evaluateSteps,
  isOperation,
  isValid,
  unsound,
  type Write,
} from './evaluation.ts'
import type { TransactionsFrame } from './frame.ts'
import type { Touched } from './holds.ts'
import { partsCacheNumber } from './shape.ts'
import { isSound } from './sound.ts'
import type { SpaceState } from './space-state.ts'
import type { Step, TransactionRecord } from './steps.ts'
import { transactionId } from './version.ts'

/** Steps, reads or writes looked at before whoever runs it may do something else. */
const pieceMax = 256

/** Reads the transactions of a frame that came in parts, piece by piece. */
export type DecodeInPieces = (
  parts: readonly Uint8Array[],
) => Generator<void, readonly TransactionRecord[]>

/** A large transaction with all that can be known before its place in the log has come. */
export interface Prepared {
  /** Of its frame. Valid as long as the state is the one before it. */
  readonly position: number
  readonly transaction: TransactionRecord
  readonly isSound: boolean
  /** What becomes of it if its time has come. */
  readonly evaluation: Evaluation
  /**
   * What it writes, by the number of the cache, and the values before, in the order of its writes.
   */
  readonly drafts: ReadonlyMap<number, CacheDraft>
  readonly before: readonly (Value | undefined)[]
}

/** As `evaluate` decides. */
export function evaluationAt(
  { isSound, transaction, evaluation }: Prepared,
  time: number,
): Evaluation {
  if (!isSound) return unsound
  return time < transaction.notBefore ? collided : evaluation
}

/**
 * Evaluates the transaction whose last part the frame closes, over a state that stays as it is:
 * nothing else is melded until the frame is. Returns undefined for what has to be melded in one go:
 * a frame that is ignored, several transactions, and what is too odd to be written all at once.
 */
export function* prepare(
  state: SpaceState,
  frame: TransactionsFrame,
  position: number,
  parts: readonly Uint8Array[],
  decode: DecodeInPieces,
): Generator<void, Prepared | undefined> {
  let transactions: readonly TransactionRecord[]
  try {
    transactions = yield* decode(parts)
  } catch (error) {
    if (isGridError(error, 'record_damaged')) return undefined
    throw error
  }
  const [transaction, ...others] = transactions
  if (!transaction || others.length > 0 || touchesParts(transaction)) return undefined
  const drafts = new Map<number, CacheDraft>()
  const before: (Value | undefined)[] = []
  if (!(yield* isSoundInPieces(state, transaction)))
    return { position, transaction, isSound: false, evaluation: unsound, drafts, before }
  const id = transactionId(frame.origin, transaction.number)
  const evaluation = yield* freeInPieces(
    state,
    transaction,
    yield* evaluateInPieces(state, transaction, id),
  )
  if (evaluation.outcome === 'applied')
    for (const [at, write] of evaluation.writes.entries()) {
      if (at % pieceMax === 0) yield
      let draft = drafts.get(write.cache)
      if (!draft) {
        draft = state.cache(write.cache).draft()
        drafts.set(write.cache, draft)
      }
      before.push(draft.before(write.key))
      if (!draft.write(write.key, write.value, write.version, position)) return undefined
    }
  return { position, transaction, isSound: true, evaluation, drafts, before }
}

/** The parts themselves are gone when it is decided, which is not so yet. */
function touchesParts({ steps, reads, ranges }: TransactionRecord): boolean {
  const ofParts = ({ cache }: { readonly cache: number }) => cache === partsCacheNumber
  return (
    steps.some((step) => 'cache' in step && ofParts(step)) ||
    reads.some(ofParts) ||
    ranges.some(ofParts)
  )
}

function* pieces<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += pieceMax) yield items.slice(at, at + pieceMax)
}

function* isSoundInPieces(
  { layout }: SpaceState,
  transaction: TransactionRecord,
): Generator<void, boolean> {
  for (const steps of pieces(transaction.steps)) {
    if (!isSound(layout, { ...transaction, steps })) return false
    yield
  }
  return true
}

function* evaluateInPieces(
  state: SpaceState,
  { steps, reads, ranges }: TransactionRecord,
  id: number,
): Generator<void, Evaluation> {
  try {
    for (const some of pieces(reads)) {
      if (!isValid(state, { reads: some, ranges: [] })) return collided
      yield
    }
    for (const range of ranges) {
      if (!isValid(state, { reads: [], ranges: [range] })) return collided
      yield
    }
    // An operation may depend on any step before it.
    if (steps.some(isOperation)) return evaluateSteps(state, steps, id)
    return yield* evaluatePuts(state, steps, id)
  } catch {
    // As in `evaluate`: that is so on every replica.
    return unsound
  }
}

/** What is evaluated, if nothing of it is held. An operation depends on the steps before it. */
function* freeInPieces(
  state: SpaceState,
  { reads, ranges, steps }: TransactionRecord,
  evaluation: Evaluation,
): Generator<void, Evaluation> {
  const { holds } = state
  if (holds.size === 0) return evaluation
  if (evaluation === collided || evaluation === unsound) return evaluation
  const nothing: Touched = { reads: [], ranges: [], steps: [], writes: [] }
  const writes = evaluation.outcome === 'applied' ? evaluation.writes : []
  function* touched(): Generator<Touched> {
    for (const some of pieces(reads)) yield { ...nothing, reads: some }
    for (const range of ranges) yield { ...nothing, ranges: [range] }
    if (steps.some(isOperation)) yield { ...nothing, steps }
    else for (const some of pieces(steps)) yield { ...nothing, steps: some }
    for (const some of pieces(writes)) yield { ...nothing, writes: some }
  }
  try {
    for (const some of touched()) {
      const hold = holds.inTheWay(state, some)
      if (hold) return { outcome: 'collided', hold: hold.attempt }
      yield
    }
    return evaluation
  } catch {
    // As in `evaluate`: that is so on every replica.
    return unsound
  }
}

function* evaluatePuts(
  state: SpaceState,
  steps: readonly Step[],
  id: number,
): Generator<void, Evaluation> {
  const writes: Write[] = []
  let first = 0
  for (const some of pieces(steps)) {
    const evaluation = evaluateSteps(state, some, id, first)
    if (evaluation.outcome !== 'applied') return evaluation
    for (const write of evaluation.writes) writes.push(write)
    first += some.length
    yield
  }
  return { outcome: 'applied', writes, outcomes: steps.map(() => undefined) }
}
