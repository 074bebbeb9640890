import { beforeEach, describe, expect, test } from 'vitest'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { type Evaluation, evaluate, evaluateSteps } from './evaluation.ts'
import { Overlay } from './overlay.ts'
import { Recorder } from './recorder.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import type { TransactionRecord } from './steps.ts'
import type { Transaction } from './transaction.ts'

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), n: Type.Number() }),
  key: 'id',
})
const number = 2

let state: SpaceState

beforeEach(() => {
  state = new SpaceState(shapeOf(defineSpace('test', { caches: [items] })))
})

const given = (value: { readonly id: string } & Value, version = 5) =>
  state.write(number, value.id, value, version, 1)

// architecture.md, invariant 2
describe('a chain of pending transactions', () => {
  /** Executes each over the state and what those before it are foreseen to leave. */
  function chain(...handlers: ((tx: Transaction) => unknown)[]): TransactionRecord[] {
    const pending = new Overlay(state)
    return handlers.map((handler, i) => {
      const recorder = new Recorder(pending, { id: 1000 + i, now: 0, newId: () => '' })
      handler(recorder)
      const { reads, ranges, steps, events } = recorder
      for (const { cache, key, value, version } of writesOf(
        evaluateSteps(pending, steps, 1000 + i),
      ))
        pending.write(cache, key, value, version)
      return { number: 1000 + i, reads, ranges, steps, events, notBefore: 0 }
    })
  }

  const writesOf = (evaluation: Evaluation) =>
    evaluation.outcome === 'applied' ? evaluation.writes : []

  const decide = (records: readonly TransactionRecord[]) =>
    records.map((record) => {
      const evaluation = evaluate(state, record, record.number, 0)
      for (const { cache, key, value, version } of writesOf(evaluation))
        state.write(cache, key, value, version, 2)
      return evaluation.outcome
    })

  const copy = (from: string, to: string) => (tx: Transaction) =>
    tx.put(items, { id: to, n: (tx.get(items, from)?.n ?? 0) + 1 })
  const add = (tx: Transaction) => tx.increment(items, 'a', 'n', 1)

  test('is valid when nothing comes between', () => {
    given({ id: 'a', n: 1 })
    expect(decide(chain(copy('a', 'b'), add, copy('b', 'c'), copy('a', 'd')))).toEqual([
      'applied',
      'applied',
      'applied',
      'applied',
    ])
    expect(state.find(number, 'd')?.value.n).toBe(3)
  })

  test('falls with its first link, and only what hangs on it', () => {
    given({ id: 'a', n: 1 })
    const records = chain(copy('a', 'b'), add, copy('b', 'c'), copy('x', 'y'))
    given({ id: 'a', n: 7 }, 6)
    expect(decide(records)).toEqual(['collided', 'applied', 'collided', 'applied'])
  })

  test('falls where an operation left another value than the one that was read', () => {
    given({ id: 'a', n: 1 })
    const records = chain(add, copy('a', 'b'), add)
    given({ id: 'a', n: 7 }, 6)
    expect(decide(records)).toEqual(['applied', 'collided', 'applied'])
    expect(state.find(number, 'a')?.value.n).toBe(9)
  })
})
