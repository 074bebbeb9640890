import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineCache, defineSpace, Type } from './define.ts'
import { isOperation } from './evaluation.ts'
import type { Outcome } from './operation-options.ts'
import { Recorder } from './recorder.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { type Operation, StepKind } from './steps.ts'

const schema = Type.Object({ id: Type.String(), n: Type.Number() })
const cacheOf = (name: string) => defineCache(name, { schema, key: 'id', indexes: { byN: ['n'] } })
const caches = [cacheOf('first'), cacheOf('second')] as const
const keys = ['a', 'b', 'c'] as const
const shape = shapeOf(defineSpace('test', { caches: [...caches] }))

function recorderOf(count: number): Recorder {
  const state = new SpaceState(shape)
  for (const { name } of caches)
    for (let n = 0; n < count; n++) {
      const id = keys[n] ?? `key ${n}`
      state.write(state.layout.named(name)?.number as number, id, { id, n }, n + 1, 1)
    }
  return new Recorder(state, { id: 1000, now: 0, newId: () => 'new' })
}

const action = fc.record({
  what: fc.constantFrom('put', 'increment', 'take', 'get', 'range', 'outcome'),
  cache: fc.constantFrom(...caches),
  key: fc.constantFrom(...keys),
  n: fc.nat(20),
})

test('the operations whose traces a handler has seen are validated, and no others', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
      const recorder = recorderOf(keys.length)
      const outcomes: { readonly operation: Operation; readonly outcome: Outcome<unknown> }[] = []
      const seen = new Set<Operation>()
      /**
       * The rule as it is said: who looks at an entry sees what all operations until then have done
       * to it.
       */
      const see = (cache: number, key: string | undefined) => {
        for (const step of recorder.steps)
          if (isOperation(step) && step.cache === cache)
            if (key === undefined || step.kind === StepKind.take || step.key === key) seen.add(step)
      }
      for (const { what, cache, key, n } of actions) {
        const number = shape.caches.findIndex(({ name }) => name === cache.name)
        const operated = (outcome: Outcome<unknown>) =>
          outcomes.push({ operation: recorder.steps.at(-1) as Operation, outcome })
        if (what === 'put') recorder.put(cache, { id: key, n })
        else if (what === 'increment') operated(recorder.increment(cache, key, 'n', 1))
        else if (what === 'take') operated(recorder.take(cache, 'byN', { limit: 1 }, { n }))
        else if (what === 'get') {
          recorder.get(cache, key)
          see(number, key)
        } else if (what === 'range') {
          recorder.range(cache, 'byN')
          see(number, undefined)
        } else if (outcomes.length > 0) {
          const { operation, outcome } = outcomes[n % outcomes.length] as (typeof outcomes)[number]
          expect(outcome.predicted).toBeDefined()
          see(operation.cache, operation.kind === StepKind.take ? undefined : operation.key)
        }
      }
      for (const step of recorder.steps)
        if (isOperation(step)) expect(step.expected !== undefined).toBe(seen.has(step))
    }),
  )
})

test('looking at an entry costs the same however many steps there are', () => {
  const count = 60_000
  const recorder = recorderOf(count)
  for (let n = keys.length; n < count; n++) {
    recorder.increment(caches[0], `key ${n}`, 'n', 1)
    expect(recorder.get(caches[0], `key ${n}`)?.n === n + 1).toBe(true)
  }
  expect(recorder.steps.every((step) => isOperation(step) && step.expected !== undefined)).toBe(
    true,
  )
})
