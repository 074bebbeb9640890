import { beforeEach, describe, expect, test } from 'vitest'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { GridError, isGridError } from './errors.ts'
import { type Evaluation, evaluate, evaluateSteps } from './evaluation.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import { idempotencyCacheNumber, shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { type RememberStep, StepKind } from './steps.ts'
import type { Transaction } from './transaction.ts'
import { absentVersion, derivedVersion } from './version.ts'

const items = defineCache('items', {
  schema: Type.Object({
    id: Type.String(),
    n: Type.Optional(Type.Number()),
    list: Type.Optional(Type.Array(Type.String())),
    place: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byPlace: ['place', 'n'] },
})
const number = 2

let state: SpaceState

beforeEach(() => {
  state = new SpaceState(shapeOf(defineSpace('test', { caches: [items] })))
})

const id = 77

const given = (value: { readonly id: string } & Value, version = 5) =>
  state.write(number, value.id, value, version, 1)

/** The handler's steps, evaluated over the state as melding would. */
function meld(handler: (tx: Transaction) => unknown, options: Partial<RecorderOptions> = {}) {
  const recorder = new Recorder(new SpaceState(state.layout.shape), {
    id,
    now: 0,
    newId: () => 'new',
    ...options,
  })
  handler(recorder)
  return evaluateSteps(state, recorder.steps, id)
}

/** The only entry the evaluation writes. */
function written(evaluation: Evaluation) {
  if (evaluation.outcome !== 'applied') throw new Error(`${evaluation.outcome}`)
  expect(evaluation.writes.length).toBe(1)
  return evaluation.writes[0]
}

const refused = (reason: string, details: Value) =>
  expect.objectContaining({ outcome: 'refused', reason, details })

describe('increment', () => {
  const add = (by: number, options = {}) => meld((tx) => tx.increment(items, 'a', 'n', by, options))

  test.each([
    ['adds', { n: 5 }, 3, {}, 8],
    ['subtracts', { n: 5 }, -7, {}, -2],
    ['starts from 0 where the field is missing', {}, 3, {}, 3],
    ['reaches its minimum', { n: 5 }, -5, { min: 0 }, 0],
    ['reaches its maximum', { n: 5 }, 5, { max: 10 }, 10],
    ['may leave a forbidden value behind it', { n: -5 }, 6, { min: 0 }, 1],
  ])('%s', (_, value, by, options, expected) => {
    given({ id: 'a', ...value, place: 'x' })
    const evaluation = add(by, options)
    expect(written(evaluation)?.value).toEqual({ id: 'a', n: expected, place: 'x' })
    expect(evaluation).toMatchObject({ outcomes: [expected] })
  })

  test.each([
    ['below its minimum', { n: 5 }, -6, { min: 0 }, { value: 5, min: 0 }],
    ['above its maximum', { n: 5 }, 6, { max: 10 }, { value: 5, max: 10 }],
    ['beyond all numbers', { n: 1.5e308 }, 1e308, {}, { value: 1.5e308 }],
    ['of a field that is no number', { n: 'five' }, 1, {}, { field: 'n' }],
  ])('is refused %s', (_, value, by, options, details) => {
    given({ id: 'a', ...value })
    expect(add(by, options)).toEqual(refused('out_of_bounds', details))
    expect(add(by, { ...options, otherwise: 'no' })).toEqual(refused('no', details))
  })

  test('starts from its initial value only where there is no entry', () => {
    expect(add(1)).toEqual(refused('out_of_bounds', { missing: 'a' }))
    const initial = { id: 'a', n: 10, place: undefined }
    const first = written(add(1, { initial }))
    expect(first?.value).toStrictEqual({ id: 'a', n: 11 })
    expect(first?.version).toBe(derivedVersion(id, 0, absentVersion))
    expect(add(1, { initial, max: 10 })).toMatchObject({ outcome: 'refused' })
    given({ id: 'a', n: 1 })
    expect(written(add(1, { initial }))?.value).toEqual({ id: 'a', n: 2 })
  })

  // architecture.md, invariant 2
  test('leaves a version derived from its transaction and the version it changed', () => {
    given({ id: 'a', n: 1 }, 5)
    const first = written(add(1))?.version
    expect(first).toBe(derivedVersion(id, 0, 5))
    given({ id: 'a', n: 1 }, 6)
    expect(written(add(1))?.version).not.toBe(first)
  })

  test('by what is not a finite number is an error of the handler', () => {
    for (const by of [NaN, Infinity, -Infinity]) expect(() => add(by)).toThrow('items: n cannot')
  })
})

describe('append', () => {
  const push = (list: string[], options = {}) =>
    meld((tx) => tx.append(items, 'a', 'list', list, options))

  test('adds to a list, to none, and up to its maximum', () => {
    given({ id: 'a', list: ['x'] })
    expect(push(['y', 'z'], { max: 3 })).toMatchObject({
      writes: [{ value: { id: 'a', list: ['x', 'y', 'z'] }, version: derivedVersion(id, 0, 5) }],
      outcomes: [3],
    })
    given({ id: 'a' })
    expect(written(push(['y']))?.value).toEqual({ id: 'a', list: ['y'] })
    expect(state.find(number, 'a')?.value).toEqual({ id: 'a' })
  })

  test('is refused beyond its maximum, without an entry, and where there is no list', () => {
    expect(push(['y'])).toEqual(refused('list_full', { missing: 'a' }))
    const initial = { id: 'a', list: ['x'] }
    expect(written(push(['y'], { initial }))?.value).toEqual({ id: 'a', list: ['x', 'y'] })
    given(initial)
    expect(push(['y', 'z'], { max: 2 })).toEqual(refused('list_full', { length: 1, max: 2 }))
    given({ id: 'a', list: 'x' })
    expect(push(['y'], { otherwise: 'odd' })).toEqual(refused('odd', { field: 'list' }))
  })
})

describe('take', () => {
  const claim = (limit: number, options = {}, patch: object = { place: 'y' }, range = {}) =>
    meld((tx) =>
      tx.take(items, 'byPlace', { equals: ['x'], limit, ...range }, patch as Value, options),
    )

  beforeEach(() => {
    for (const [i, key] of ['c', 'a', 'b'].entries()) given({ id: key, place: 'x', n: i }, 10 + i)
    given({ id: 'z', place: 'w', n: 0 })
  })

  test('claims the first of its range, in its order, and patches them', () => {
    expect(claim(2)).toMatchObject({
      writes: [
        { key: 'c', value: { id: 'c', place: 'y', n: 0 }, version: derivedVersion(id, 0, 10) },
        { key: 'a', value: { id: 'a', place: 'y', n: 1 }, version: derivedVersion(id, 0, 11) },
      ],
      outcomes: [[{ id: 'c' }, { id: 'a' }]],
    })
    expect(written(claim(1, {}, {}, { reverse: true }))?.key).toBe('b')
    expect(written(claim(1, {}, {}, { after: 0 }))?.key).toBe('a')
  })

  test('is refused when there are fewer than it must have', () => {
    expect(claim(4)).toEqual(refused('not_enough', { available: 3, wanted: 4 }))
    expect(claim(4, { atLeast: 3 })).toMatchObject({ outcomes: [[{}, {}, {}]] })
    expect(claim(5, { atLeast: 4, otherwise: 'sold_out' })).toEqual(
      refused('sold_out', { available: 3, wanted: 5 }),
    )
    expect(claim(1, { atLeast: 0 }, {}, { after: 2 })).toEqual({
      outcome: 'applied',
      writes: [],
      outcomes: [[]],
    })
  })

  // architecture.md, invariant 2: else one who read what the one step was foreseen to leave would
  // validate what the other left.
  test('leaves another version where another claim of its transaction got the entry', () => {
    const versionOfA = () => {
      const evaluation = meld((tx) => {
        tx.take(items, 'byPlace', { equals: ['x'], limit: 1 }, { place: 'y' })
        tx.take(items, 'byPlace', { equals: ['x'], limit: 1 }, { place: 'z' })
      })
      if (evaluation.outcome !== 'applied') throw new Error(evaluation.outcome)
      return evaluation.writes.find(({ key }) => key === 'a')?.version
    }
    const second = versionOfA()
    state.write(number, 'c', undefined, absentVersion, 2)
    expect(versionOfA()).not.toBe(second)
  })

  test('removes the fields its patch sets to undefined', () => {
    expect(written(claim(1, {}, { place: undefined }))?.value).toStrictEqual({ id: 'c', n: 0 })
  })

  test('never claims an entry twice within a transaction, nor what it has put away', () => {
    const evaluation = meld((tx) => {
      tx.put(items, { id: 'c', place: 'w' })
      tx.take(items, 'byPlace', { equals: ['x'], limit: 1 }, { place: 'y' })
      tx.take(items, 'byPlace', { equals: ['x'], limit: 1 }, { place: 'y' })
    })
    expect(evaluation).toMatchObject({ writes: [{ key: 'c' }, { key: 'a' }, { key: 'b' }] })
  })

  test('must not change keys', () => {
    expect(() => claim(1, {}, { id: 'other' })).toThrow(TypeError)
  })
})

describe('a transaction', () => {
  test('has no effect at all when one of its operations is refused', () => {
    given({ id: 'a', n: 0 })
    const evaluation = meld((tx) => {
      tx.put(items, { id: 'b' })
      tx.increment(items, 'a', 'n', -1, { min: 0 })
    })
    expect(evaluation).toEqual(refused('out_of_bounds', { value: 0, min: 0 }))
  })

  test('applies no earlier than the log time it names', () => {
    const record = { number: 1, reads: [], ranges: [], steps: [], events: [], notBefore: 1000 }
    expect(evaluate(state, record, id, 999).outcome).toBe('collided')
    expect(evaluate(state, record, id, 1000).outcome).toBe('applied')
  })

  test('remembers its answer with the outcomes its operations really had', () => {
    given({ id: 'a', n: 41 })
    const recorder = new Recorder(state, { id, now: 0, newId: () => '' })
    const { data, slots } = recorder.slots({ n: recorder.increment(items, 'a', 'n', 1), of: 'a' })
    const remember: RememberStep = {
      kind: StepKind.remember,
      key: 'once',
      command: 'add',
      input: 'fingerprint',
      data,
      slots,
      expiresAt: 9,
    }
    const { key, command, input, expiresAt } = remember
    expect(evaluateSteps(state, [...recorder.steps, remember], id)).toMatchObject({
      writes: [
        { key: 'a' },
        {
          cache: idempotencyCacheNumber,
          key: 'once',
          value: { key, command, input, data: { n: 42, of: 'a' }, expiresAt },
          version: id,
        },
      ],
    })
  })

  test.each<[string, (tx: Transaction) => unknown]>([
    ['puts', (tx) => ['a', 'b', 'c'].map((key) => tx.put(items, { id: key }))],
    ['deletes', (tx) => ['a', 'b', 'c'].map((key) => tx.delete(items, key))],
    ['takes', (tx) => tx.take(items, 'byPlace', { limit: 3 }, {})],
    ['operations', (tx) => ['a', 'b', 'c'].map((key) => tx.increment(items, key, 'n', 1))],
    ['reads', (tx) => ['a', 'b', 'c', 'd'].map((key) => tx.get(items, key))],
    ['ranges', (tx) => [1, 2, 3, 4].map(() => tx.range(items, 'byPlace'))],
  ])('has a limit on its %s', (_, handler) => {
    const limits = { writesMax: 2, readsMax: 3, takeMax: 100 }
    let error: unknown
    try {
      meld(handler, { limits })
    } catch (thrown) {
      error = thrown
    }
    expect(isGridError(error, 'transaction_too_large')).toBe(true)
  })

  test('takes no more entries at once than its limit, and at least one', () => {
    const limits = { writesMax: 100, readsMax: 100, takeMax: 10 }
    for (const limit of [0, 11, 1.5, NaN])
      expect(() => meld((tx) => tx.take(items, 'byPlace', { limit }, {}), { limits })).toThrow(
        limit === 11 ? GridError : TypeError,
      )
  })
})
