import { evaluateAcross, wheneverItLands } from '@spacegrid/grid/core/across'
import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { EntryView } from '@spacegrid/grid/core/entry'
import { type Evaluation, evaluateSound, type Write } from '@spacegrid/grid/core/evaluation'
import type { Layout } from '@spacegrid/grid/core/layout'
import { Overlay } from '@spacegrid/grid/core/overlay'
import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import {
  isAcross,
  isFollowUp,
  type Step,
  StepKind,
  type TransactionRecord,
} from '@spacegrid/grid/core/steps'
import type { View } from '@spacegrid/grid/core/view'

/** One of this unit's transactions that the log has not decided yet. */
export interface PendingTransaction {
  readonly record: TransactionRecord
  readonly id: number
  /** What it is foreseen to write; undefined while nobody has asked. */
  foreseen: Evaluation | undefined
}

/**
 * Places at the front of the list that may be empty before those behind them move up, all at once.
 */
const gapMax = 1024

/** undefined: only its evaluation tells. */
const cacheOf = (step: Step): number | undefined => {
  if (isFollowUp(step)) return undefined
  return step.kind === StepKind.remember ? idempotencyCacheNumber : step.cache
}

/**
 * The committed state plus this unit's own pending transactions, in their order: what its commands
 * are executed over, so that they chain instead of colliding. Nothing is evaluated until a handler
 * reads a cache that a pending transaction writes; a transaction that only claims and counts never
 * needs it. When the log turns out otherwise than foreseen, everything still pending is evaluated
 * anew.
 */
export class PendingTransactions implements View {
  readonly #state: SpaceState
  readonly #overlay: Overlay
  #pending: (PendingTransaction | undefined)[] = []
  /**
   * Where the first one stands in `#pending`: moving all others up at each decision would cost more
   * than the decision.
   */
  #first = 0
  /** The transactions before this place in `#pending` are in the overlay. */
  #evaluated = 0
  /** Caches written by pending transactions that are not in the overlay; undefined: any. */
  readonly #unseen = new Set<number | undefined>()
  #stale = false

  constructor(state: SpaceState) {
    this.#state = state
    this.#overlay = new Overlay(state)
  }

  get layout(): Layout {
    return this.#state.layout
  }

  get size(): number {
    return this.#pending.length - this.#first
  }

  find(cache: number, key: string): EntryView | undefined {
    this.#see(cache)
    return this.#overlay.find(cache, key)
  }

  scan(
    cache: number,
    index: number,
    range: IndexRange,
    visit: (entry: EntryView) => boolean,
  ): boolean {
    this.#see(cache)
    return this.#overlay.scan(cache, index, range, visit)
  }

  add(transaction: PendingTransaction): void {
    this.#pending.push(transaction)
    const { hold, steps } = transaction.record
    // What is only prepared is not there for those behind it: they would collide with it.
    if (hold !== undefined) this.#unseen.add(this.layout.holds)
    else for (const step of steps) this.#unseen.add(cacheOf(step))
  }

  /** What the transaction is foreseen to do, given everything pending before it. */
  foresee(transaction: PendingTransaction): Evaluation {
    this.#evaluate()
    return transaction.foreseen ?? { outcome: 'collided' }
  }

  /** The log has decided the first pending transaction; the state has its outcome already. */
  decided(transaction: PendingTransaction, evaluation: Evaluation): void {
    if (this.#pending[this.#first] !== transaction)
      throw new Error('transactions were decided in another order than they were sent')
    if (this.#evaluated > this.#first) {
      if (transaction.foreseen && sameWrites(transaction.foreseen, evaluation))
        this.#settle(writesOf(evaluation))
      else this.#stale = true
    }
    this.#dropFirst()
  }

  /** Certainly not committed, wherever it stands in the order. */
  remove(transaction: PendingTransaction): void {
    const at = this.#pending.indexOf(transaction, this.#first)
    if (at < 0) return
    if (at < this.#evaluated) this.#stale = true
    if (at === this.#first) this.#dropFirst()
    else this.#pending.splice(at, 1)
  }

  /** Another unit's transaction has changed an entry. */
  changed(cache: number, key: string): void {
    if (this.#evaluated > this.#first && !this.#stale && this.#overlay.covers(cache, key))
      this.#stale = true
  }

  #see(cache: number): void {
    if (this.#stale || this.#unseen.has(cache) || this.#unseen.has(undefined)) this.#evaluate()
  }

  #evaluate(): void {
    if (this.#stale) {
      this.#overlay.clear()
      this.#evaluated = this.#first
      this.#stale = false
    }
    for (; this.#evaluated < this.#pending.length; this.#evaluated++) {
      const transaction = this.#pending[this.#evaluated] as PendingTransaction
      const { record, id } = transaction
      const evaluate = isAcross(record) ? evaluateAcross : evaluateSound
      transaction.foreseen = evaluate(this.#overlay, record, id, wheneverItLands)
      for (const write of writesOf(transaction.foreseen))
        this.#overlay.write(write.cache, write.key, write.value, write.version)
    }
    this.#unseen.clear()
  }

  #settle(writes: readonly Write[]): void {
    for (const { cache, key, value, version } of writes)
      this.#overlay.settle(cache, key, value === undefined ? 0 : version)
  }

  #dropFirst(): void {
    this.#pending[this.#first++] = undefined
    this.#evaluated = Math.max(this.#evaluated, this.#first)
    if (this.size > 0 && this.#first < gapMax) return
    this.#pending.splice(0, this.#first)
    this.#evaluated -= this.#first
    this.#first = 0
    if (this.#pending.length > 0) return
    this.#overlay.clear()
    this.#unseen.clear()
    this.#stale = false
  }
}

const writesOf = (evaluation: Evaluation): readonly Write[] =>
  evaluation.outcome === 'applied' ? evaluation.writes : []

function sameWrites(a: Evaluation, b: Evaluation): boolean {
  if (a.outcome !== b.outcome) return false
  if (a.outcome !== 'applied' || b.outcome !== 'applied') return true
  if (a.writes.length !== b.writes.length) return false
  return a.writes.every((write, i) => {
    const other = b.writes[i] as Write
    return write.version === other.version && write.key === other.key && write.cache === other.cache
  })
}
