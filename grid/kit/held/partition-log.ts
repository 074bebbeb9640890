import type { Value } from '../../core/data-types.ts'
import type { Evaluation } from '../../core/evaluation.ts'
import { FrameKind } from '../../core/frame.ts'
import { Melder } from '../../core/meld.ts'
import { initialShape, partitionedCaches, type SpaceShape } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import {
  type DecideStep,
  type FinishStep,
  type ForgetStep,
  type HoldTerms,
  type RangeRead,
  type Step,
  StepKind,
  type TransactionRecord,
  type Verdict,
} from '../../core/steps.ts'
import { absentVersion, digestPairs } from '../../core/version.ts'
import { collect } from '../../core/view.ts'
import { decodeFrame, decodeTransactions, encodeFrame } from '../../engine/wire/frame-codec.ts'

export const accounts = initialShape.caches.length + partitionedCaches.length

/** A divided space with one cache of accounts, which are in groups, by balance. */
export const dividedShape: SpaceShape = {
  caches: [
    ...initialShape.caches,
    ...partitionedCaches,
    {
      name: 'accounts',
      key: 'id',
      indexes: [{ name: 'byBalance', fields: ['group', 'balance'] }],
      expiry: undefined,
    },
  ],
  partitions: 3,
}

/** One partition's log, melded as it is written. */
export class PartitionLog {
  readonly state = new SpaceState(dividedShape)
  readonly emitted: string[] = []
  readonly #melder: Melder
  #frames = 0
  #decided: Evaluation | undefined

  constructor() {
    this.#melder = new Melder(this.state, decodeTransactions, {
      decided: (_index, _transaction, _id, evaluation) => {
        this.#decided = evaluation
      },
      emitted: ({ name }) => this.emitted.push(name),
    })
    this.#melder.meld({ kind: FrameKind.join, unit: 'unit', nonce: 1 }, 1, 0)
  }

  /** Melds a transaction, at a time. */
  meld(record: Partial<TransactionRecord>, time = this.state.time): Evaluation {
    const id = ++this.#frames
    const link = { origin: 1, id, previous: id - 1, deadline: 1e9 }
    const whole = { number: id, reads: [], ranges: [], steps: [], events: [], notBefore: 0 }
    const transactions = [{ ...whole, ...record }]
    const frame = { kind: FrameKind.transactions, ...link, transactions, parts: 0, across: true }
    this.#decided = undefined
    this.#melder.meld(decodeFrame(encodeFrame(frame)), this.state.position + 1, time)
    if (!this.#decided) throw new Error('nothing was decided')
    return this.#decided
  }

  balance(key: string): unknown {
    return this.state.find(accounts, key)?.value.balance
  }

  read(key: string): TransactionRecord['reads'][number] {
    const version = this.state.find(accounts, key)?.version ?? absentVersion
    return { cache: accounts, key, version }
  }

  range(range: RangeRead['range']): RangeRead {
    const digest = digestPairs(collect(this.state, accounts, 0, range))
    return { cache: accounts, index: 0, range, digest }
  }
}

export const account = (id: string, balance: number, group = 'a'): Value => ({ id, group, balance })

export const put = (key: string, balance: number, group?: string): Step => ({
  kind: StepKind.put,
  cache: accounts,
  key,
  value: account(key, balance, group),
})

export const erase = (key: string): Step => ({ kind: StepKind.delete, cache: accounts, key })

const operation = { cache: accounts, expected: undefined, otherwise: 'no' }

export const increment = (key: string, by: number, min?: number): Step => ({
  kind: StepKind.increment,
  ...operation,
  ...{ key, field: 'balance', by, min, max: undefined, initial: undefined },
})

export const take = (limit: number, atLeast = 0, group = 'a'): Step => ({
  kind: StepKind.take,
  ...operation,
  ...{ index: 0, range: { equals: [group] }, limit, atLeast, patch: { group: 'taken' } },
})

export const terms = (attempt: string, more: Partial<HoldTerms> = {}): HoldTerms => ({
  ...{ attempt, partition: 0, coordinator: 0, participants: [0, 1] },
  ...{ notAfter: 1000, key: undefined, ...more },
})

export const decide = (
  attempt: string,
  verdict: Verdict,
  more: Partial<DecideStep> = {},
): Partial<TransactionRecord> => ({
  steps: [
    { kind: StepKind.decide, attempt, verdict, asked: false, notAfter: 1000, remember: undefined },
  ].map((step) => ({ ...step, ...more })),
})

export const finish = (attempt: string, verdict: Verdict): Partial<TransactionRecord> => ({
  steps: [{ kind: StepKind.finish, attempt, verdict } satisfies FinishStep],
})

export const forget = (attempt: string): Partial<TransactionRecord> => ({
  steps: [{ kind: StepKind.forget, attempt } satisfies ForgetStep],
})
