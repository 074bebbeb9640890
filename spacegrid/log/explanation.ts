import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import type { Stretch } from '@spacegrid/grid/engine/past/past-states'
import type { ReplicaListener } from '@spacegrid/grid/engine/replica/replica'
import { CacheNames } from './cache-names.ts'
import { entryName, type TransactionTold, transactionTold } from './transaction-text.ts'

/** What melding has made of one entry. */
export interface ChangeTold {
  /** `orders/order-9`. */
  readonly entry: string
  /** undefined: it was not there. */
  readonly from: unknown
  /** undefined: it is not there any more. */
  readonly to: unknown
  /** It has left memory only. */
  readonly archived: boolean
}

export interface TransactionExplained extends TransactionTold {
  readonly outcome: 'applied' | 'refused' | 'collided'
  /** Of what was refused: its reason and details; of what collided: with what. */
  readonly because: string | undefined
  readonly changes: readonly ChangeTold[]
}

/** What became of the record at a position. */
export interface FrameExplained {
  /** The unit that has sent it. */
  readonly unit: string | undefined
  readonly origin: number | undefined
  /** Why every replica has ignored it. */
  readonly ignored: string | undefined
  readonly transactions: readonly TransactionExplained[]
}

/** Follows the melding of one record, and takes down what comes of it. */
export class Explanation implements Stretch {
  #unit: string | undefined
  #origin: number | undefined
  #ignored: string | undefined
  readonly #transactions: TransactionExplained[] = []

  get explained(): FrameExplained {
    const transactions = this.#transactions
    return { unit: this.#unit, origin: this.#origin, ignored: this.#ignored, transactions }
  }

  begin(state: SpaceState): ReplicaListener {
    let changes: ChangeTold[] = []
    let why: string | undefined
    const names = () => new CacheNames(state.layout.shape)
    return {
      melding: (frame, position) => {
        why = whyIgnored(state, frame, position)
        if (frame.kind === FrameKind.join) this.#unit = frame.unit
        if (!('origin' in frame)) return
        this.#origin = frame.origin
        this.#unit = state.origins.get(frame.origin)?.unit
      },
      changed: ({ cache, key, value, archived }, before) => {
        const entry = entryName(names(), cache, key)
        changes.push({ entry, from: before, to: value, archived: archived === true })
      },
      decided: (_, transaction, __, evaluation) => {
        this.#transactions.push({
          ...transactionTold(transaction, names()),
          outcome: evaluation.outcome,
          because: becauseOf(state, transaction, evaluation, names()),
          changes,
        })
        changes = []
      },
      melded: (_, accepted) => {
        if (!accepted) this.#ignored = why ?? 'its definition contradicts the one in the log'
      },
    }
  }
}

function whyIgnored(state: SpaceState, frame: Frame, position: number): string | undefined {
  if (!('origin' in frame)) return undefined
  const origin = state.origins.get(frame.origin)
  if (!origin) return `its origin ${frame.origin} has left, or has never joined`
  if (position > frame.deadline) return `it was to land by ${frame.deadline}`
  if (frame.previous !== origin.lastFrame)
    return `it follows frame ${frame.previous} of its origin, and the last one was ${origin.lastFrame}`
  return undefined
}

function becauseOf(
  state: SpaceState,
  { reads, notBefore }: TransactionRecord,
  evaluation: Evaluation,
  names: CacheNames,
): string | undefined {
  if (evaluation.outcome === 'refused')
    return `${evaluation.reason} ${JSON.stringify(evaluation.details)}`
  if (evaluation.outcome !== 'collided') return undefined
  if (evaluation.hold !== undefined)
    return `${evaluation.hold}, a command across partitions, holds what it needs`
  if (state.time < notBefore) return 'its time had not come'
  const stale = reads.filter(
    ({ cache, key, version }) => (state.peek(cache, key)?.version ?? 0) !== version,
  )
  if (stale.length === 0) return 'a range that it had read has changed, or what an operation left'
  return `${stale.map(({ cache, key }) => entryName(names, cache, key)).join(', ')} has changed since it was read`
}
