import { beforeEach, describe, expect, test } from 'vitest'
import { defineCache, defineSpace, Type } from './define.ts'
import { isGridError, Rejection } from './errors.ts'
import { type Evaluation, evaluate, isValid } from './evaluation.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { fillSlots, type TransactionRecord } from './steps.ts'
import type { Transaction } from './transaction.ts'
import { absentVersion } from './version.ts'

const seats = defineCache('seats', {
  schema: Type.Object({
    id: Type.String(),
    state: Type.String(),
    price: Type.Number(),
    note: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byState: ['state', 'price'] },
})
const sales = defineCache('sales', {
  schema: Type.Object({ id: Type.String(), count: Type.Number() }),
  key: 'id',
})
const layoutNumber = { seats: 2, sales: 3 }

let state: SpaceState

function fillState(): void {
  state = new SpaceState(shapeOf(defineSpace('hall', { caches: [seats, sales] })))
  for (const [i, id] of ['a', 'b', 'c'].entries())
    state.write(layoutNumber.seats, id, { id, state: 'free', price: i }, 100 + i, 1)
  state.write(layoutNumber.sales, 'today', { id: 'today', count: 5 }, 200, 1)
}

beforeEach(fillState)

interface Run<R> {
  readonly recorder: Recorder
  readonly returned: R
  readonly record: TransactionRecord
}

let transactionCount = 0

function run<R>(handler: (tx: Transaction) => R, options: Partial<RecorderOptions> = {}): Run<R> {
  const id = 1000 + ++transactionCount
  const recorder = new Recorder(state, { id, now: 0, newId: () => 'new', ...options })
  const returned = handler(recorder)
  const { reads, ranges, steps, events } = recorder
  return { recorder, returned, record: { number: id, reads, ranges, steps, events, notBefore: 0 } }
}

const meld = ({ record }: Run<unknown>): Evaluation => {
  const evaluation = evaluate(state, record, record.number, 0)
  if (evaluation.outcome === 'applied')
    for (const { cache, key, value, version } of evaluation.writes)
      state.write(cache, key, value, version, 2)
  return evaluation
}

/** What a handler throws, with the recorder it left behind. */
function runRejected(handler: (tx: Transaction) => unknown): Recorder {
  let recorder: Recorder | undefined
  expect(() =>
    run((tx) => {
      recorder = tx as Recorder
      handler(tx)
    }),
  ).toThrow(Rejection)
  return recorder as Recorder
}

const seat = (id: string, place = 'free', price = 1) => ({ id, state: place, price })
const free = { equals: ['free'] } as const

describe('a handler', () => {
  test('sees its own puts, deletes and re-creations, which are no reads', () => {
    const { recorder, returned } = run((tx) => {
      tx.put(seats, seat('a', 'held', 7))
      const put = tx.get(seats, 'a')?.price
      tx.delete(seats, 'a')
      const deleted = tx.get(seats, 'a')
      tx.put(seats, seat('a', 'free', 9))
      return [put, deleted, tx.get(seats, 'a')?.price]
    })
    expect(returned).toEqual([7, undefined, 9])
    expect(recorder.reads).toEqual([])
  })

  test('reads with the versions it saw, and collides once one has changed', () => {
    const transaction = run((tx) => [tx.get(seats, 'a'), tx.get(seats, 'x')])
    expect(transaction.record.reads).toEqual([
      { cache: layoutNumber.seats, key: 'a', version: 100 },
      { cache: layoutNumber.seats, key: 'x', version: absentVersion },
    ])
    expect(isValid(state, transaction.record)).toBe(true)
    state.write(layoutNumber.seats, 'x', seat('x'), 7, 2)
    expect(isValid(state, transaction.record)).toBe(false)
  })

  test('still reads what is below where its own writes do not cover it', () => {
    const transaction = run((tx) => {
      tx.put(seats, seat('a'))
      return [tx.get(seats, 'b'), tx.get(seats, 'x'), tx.get(sales, 'today')]
    })
    expect(transaction.record.reads.map(({ key }) => key)).toEqual(['b', 'x', 'today'])
  })

  test('may peek: the transaction applies although the entry changes', () => {
    const transaction = run((tx) =>
      tx.put(sales, { id: 'x', count: tx.peek(seats, 'a')?.price ?? 0 }),
    )
    state.write(layoutNumber.seats, 'a', undefined, 0, 2)
    expect(meld(transaction).outcome).toBe('applied')
  })

  // architecture.md, invariant 4
  test('collides when an entry enters, leaves or changes in a range it read', () => {
    const changes = [
      () => state.write(layoutNumber.seats, 'z', seat('z'), 7, 2),
      () => state.write(layoutNumber.seats, 'a', undefined, 0, 2),
      () => state.write(layoutNumber.seats, 'a', seat('a', 'sold'), 7, 2),
      () => state.write(layoutNumber.seats, 'a', { ...seat('a', 'free', 0), note: 'x' }, 7, 2),
    ]
    for (const change of changes) {
      fillState()
      const transaction = run((tx) => tx.range(seats, 'byState', free).length)
      expect(isValid(state, transaction.record)).toBe(true)
      change()
      expect(isValid(state, transaction.record)).toBe(false)
    }
  })

  test('does not collide with changes outside the range, or behind its limit', () => {
    const transaction = run((tx) => tx.range(seats, 'byState', { ...free, limit: 2 }))
    expect(transaction.returned.map(({ id }) => id)).toEqual(['a', 'b'])
    state.write(layoutNumber.seats, 'y', seat('y', 'sold'), 7, 2)
    state.write(layoutNumber.seats, 'z', seat('z', 'free', 9), 7, 2)
    expect(isValid(state, transaction.record)).toBe(true)
    state.write(layoutNumber.seats, '0', seat('0', 'free', -1), 7, 2)
    expect(isValid(state, transaction.record)).toBe(false)
  })

  test('sees its own writes in ranges, and fills a limit from what is validated', () => {
    const transaction = run((tx) => {
      tx.delete(seats, 'a')
      tx.put(seats, seat('b', 'free', 50))
      return tx.range(seats, 'byState', { ...free, limit: 2 })
    })
    expect(transaction.returned.map(({ id }) => id)).toEqual(['c', 'b'])
    state.write(layoutNumber.seats, 'c', seat('c', 'sold'), 7, 2)
    expect(meld(transaction).outcome).toBe('collided')
  })
})

describe('an operation', () => {
  const add = (tx: Transaction) => tx.increment(sales, 'today', 'count', 1)

  test('never collides while nobody looks at its outcome', () => {
    const transaction = run((tx) => void add(tx))
    state.write(layoutNumber.sales, 'today', { id: 'today', count: 41 }, 7, 2)
    expect(meld(transaction)).toMatchObject({ outcome: 'applied', outcomes: [42] })
  })

  test.each<[string, (tx: Transaction) => unknown]>([
    ['asked for', (tx) => add(tx).predicted],
    ['got', (tx) => [add(tx), tx.get(sales, 'today')?.count][1]],
  ])('whose outcome the handler %s applies only if that holds', (_, handler) => {
    const [first, second] = [run(handler), run(handler)]
    expect(first.returned).toBe(6)
    expect(first.record.reads).toEqual([])
    expect(meld(first)).toMatchObject({ outcome: 'applied', outcomes: [6] })
    expect(meld(second).outcome).toBe('collided')
  })

  test('whose claims the handler sees in a range applies only if they hold', () => {
    const transaction = run((tx) => {
      tx.take(seats, 'byState', { ...free, limit: 1 }, { state: 'held' })
      return tx.range(seats, 'byState', free).map(({ id }) => id)
    })
    expect(transaction.returned).toEqual(['b', 'c'])
    state.write(layoutNumber.seats, '0', seat('0', 'free', -1), 7, 2)
    expect(meld(transaction).outcome).toBe('collided')
  })

  test('on one entry does not become a read when the handler gets another', () => {
    const transaction = run((tx) => [add(tx), tx.get(sales, 'yesterday')])
    state.write(layoutNumber.sales, 'today', { id: 'today', count: 41 }, 7, 2)
    expect(meld(transaction).outcome).toBe('applied')
  })

  test('sees what the steps before it did', () => {
    const { returned } = run((tx) => {
      tx.put(sales, { id: 'new', count: 1 })
      tx.increment(sales, 'new', 'count', 2)
      tx.put(seats, seat('0', 'free', -1))
      const taken = tx.take(seats, 'byState', { ...free, limit: 2 }, { state: 'held' })
      const count = tx.increment(sales, 'new', 'count', 3).predicted
      return [count, taken.predicted.map(({ id }) => id)]
    })
    expect(returned).toEqual([6, ['0', 'a']])
  })
})

describe('a refusal', () => {
  // Answered only when all it read is committed: architecture.md, section 2. So its reasons must be
  // among the reads.
  test('that an operation is foreseen to give rests on what the operation met', () => {
    const recorder = runRejected(
      (tx) =>
        tx.increment(sales, 'today', 'count', -6, { min: 0, otherwise: 'sold_out' }).predicted,
    )
    expect(isValid(state, recorder)).toBe(true)
    state.write(layoutNumber.sales, 'today', { id: 'today', count: 6 }, 7, 2)
    expect(isValid(state, recorder)).toBe(false)
  })

  test('for want of entries to take rests on the whole range', () => {
    const recorder = runRejected((tx) => {
      tx.delete(seats, 'a')
      return tx.take(seats, 'byState', { ...free, limit: 3 }, { state: 'held' }).predicted
    })
    expect(isValid(state, recorder)).toBe(true)
    state.write(layoutNumber.seats, 'd', seat('d'), 7, 2)
    expect(isValid(state, recorder)).toBe(false)
  })

  test('by a handler that has looked at an outcome rests on what that operation met', () => {
    const recorder = runRejected((tx) => {
      if (tx.increment(sales, 'today', 'count', 1).predicted > 5) tx.reject('too_many')
    })
    expect(isValid(state, recorder)).toBe(true)
    state.write(layoutNumber.sales, 'today', { id: 'today', count: 0 }, 7, 2)
    expect(isValid(state, recorder)).toBe(false)
  })

  test('by a handler that got what its claim left rests on the range it claimed from', () => {
    const recorder = runRejected((tx) => {
      tx.take(seats, 'byState', { ...free, limit: 1 }, { state: 'held' })
      if (tx.get(seats, 'a')?.state === 'held') tx.reject('not_that_one')
    })
    state.write(layoutNumber.seats, '0', seat('0', 'free', -1), 7, 2)
    expect(isValid(state, recorder)).toBe(false)
  })

  test('carries its reason and details', () => {
    const rejection = new Rejection('sold_out', { seats: 0 })
    expect(() => run((tx) => tx.reject('sold_out', { seats: 0 }))).toThrow(rejection)
    expect(isGridError(rejection, 'rejected')).toBe(true)
    expect(rejection).toMatchObject({ reason: 'sold_out', details: { seats: 0 }, status: 409 })
  })
})

describe("a handler's data", () => {
  const outcomes = (tx: Transaction) => ({
    seats: tx.take(seats, 'byState', { ...free, limit: 1 }, { state: 'held' }),
    count: tx.increment(sales, 'today', 'count', 1),
  })

  test.each<[string, (tx: Transaction) => unknown, unknown]>([
    ['outcomes in its fields', outcomes, { seats: [seat('a', 'held', 0)], count: 6 }],
    ['one outcome as a whole', (tx) => outcomes(tx).count, 6],
    ['outcomes in a list', (tx) => [outcomes(tx).count, 'x'], [6, 'x']],
    ['no outcome', (tx) => [outcomes(tx), { x: 1 }][1], { x: 1 }],
    ['nothing', (tx) => void outcomes(tx), undefined],
    ['fields without a value', () => ({ a: undefined, b: null }), { b: null }],
  ])('with %s is complete once they are known', (_, handler, expected) => {
    const transaction = run(handler)
    const { data, slots } = transaction.recorder.slots(transaction.returned)
    const evaluation = meld(transaction)
    if (evaluation.outcome !== 'applied') throw new Error(evaluation.outcome)
    expect(fillSlots(data, slots, evaluation.outcomes)).toEqual(expected)
    // It travels in the log beside the steps: nothing of the recorder may be left in it.
    expect(structuredClone(data)).toEqual(data)
  })
})
