import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import { transactionId } from '@spacegrid/grid/core/version'
import {
  accounts,
  decide,
  increment,
  PartitionLog,
  put,
  terms,
} from '@spacegrid/grid/kit/held/partition-log'
import { expect, test } from 'vitest'
import { PendingTransactions } from './pending.ts'

/** Sends what a unit sends, and melds it in the same order. */
class Unit {
  readonly log = new PartitionLog()
  readonly pending = new PendingTransactions(this.log.state)
  readonly #sent: { record: TransactionRecord; id: number; foreseen: Evaluation | undefined }[] = []
  #number = 0

  send(record: Partial<TransactionRecord>): Evaluation {
    const number = ++this.#number
    const whole = { reads: [], ranges: [], steps: [], events: [], notBefore: 0 }
    const id = transactionId(1, number)
    const transaction = { record: { ...whole, ...record, number }, id, foreseen: undefined }
    this.#sent.push(transaction)
    this.pending.add(transaction)
    return this.pending.foresee(transaction)
  }

  meld(): Evaluation[] {
    return this.#sent.splice(0).map((transaction) => {
      const evaluation = this.log.meld(transaction.record)
      this.pending.decided(transaction, evaluation)
      return evaluation
    })
  }

  get balance(): unknown {
    return this.pending.find(accounts, 'x')?.value.balance
  }
}

test('what a unit has only prepared is not there for its later commands, and is when it is decided', () => {
  const unit = new Unit()
  unit.send({ steps: [put('x', 10)] })
  expect(unit.send({ steps: [increment('x', -3)], hold: terms('one') })).toMatchObject({
    outcomes: [7],
  })
  expect(unit.balance).toBe(10)
  unit.send(decide('one', 'commit'))
  expect(unit.balance).toBe(7)
  expect(unit.meld().map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied'])
  expect(unit.balance).toBe(7)
  expect(unit.pending.size).toBe(0)
})

test('what was foreseen of an attempt that is dropped is foreseen anew', () => {
  const unit = new Unit()
  unit.send({ steps: [put('x', 10)] })
  unit.send({ steps: [increment('x', -3)], hold: terms('one') })
  unit.send(decide('one', 'abort'))
  unit.send({ steps: [increment('x', 1)] })
  expect(unit.balance).toBe(11)
  unit.meld()
  expect(unit.balance).toBe(11)
})

test('what it sends behind its own hold collides with it, and falls together', () => {
  const unit = new Unit()
  unit.send({ steps: [put('x', 10)] })
  unit.send({ steps: [increment('x', -3)], hold: terms('one') })
  unit.send({ steps: [increment('x', 1)] })
  expect(unit.balance).toBe(11)
  const [, , last] = unit.meld()
  expect(last).toEqual({ outcome: 'collided', hold: 'one' })
  expect(unit.balance).toBe(10)
})
