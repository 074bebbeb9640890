import { beforeEach, describe, expect, test } from 'vitest'
import type { IndexRange } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { type ErrorCode, isGridError } from './errors.ts'
import { Recorder } from './recorder.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import type { PutStep } from './steps.ts'
import type { AnyCache, Transaction } from './transaction.ts'

const seats = defineCache('seats', {
  schema: Type.Object({
    id: Type.String(),
    n: Type.Optional(Type.Number()),
    tags: Type.Optional(Type.Array(Type.String())),
  }),
  key: 'id',
  indexes: { byN: ['n', 'id'] },
})
const unknown = defineCache('unknown', { schema: seats.schema, key: 'id', indexes: { byN: ['n'] } })

let recorder: Recorder

beforeEach(() => {
  const state = new SpaceState(shapeOf(defineSpace('hall', { caches: [seats] })))
  state.write(2, '\ufffd', { id: '\ufffd' }, 5, 1)
  recorder = new Recorder(state, { id: 1, now: 77, newId: () => 'made' })
})

function codeOf(attempt: (tx: Transaction) => unknown): ErrorCode | 'error' | 'none' {
  try {
    attempt(recorder)
    return 'none'
  } catch (error) {
    return isGridError(error) ? error.code : 'error'
  }
}

/** What plain JavaScript, or input that nobody has checked, may hand over as a value. */
const as = (value: object) => value as { id: string }

describe('what a handler puts', () => {
  test('fits its schema, or is an error that names cache and field', () => {
    expect(codeOf((tx) => tx.put(seats, as({ id: 'a', n: 'five' })))).toBe('invalid_input')
    expect(codeOf((tx) => tx.put(seats, as({ n: 5 })))).toBe('invalid_input')
    expect(() => recorder.put(seats, as({ id: 'a', m: 5 }))).toThrow(
      'cache seats: m is not a known field',
    )
    expect(recorder.steps).toEqual([])
  })

  test('has no fields that are undefined, as if they had been left out', () => {
    recorder.put(seats, as({ id: 'a', n: undefined }))
    expect(recorder.steps[0]).toStrictEqual({ kind: 0, cache: 2, key: 'a', value: { id: 'a' } })
  })

  test('is a copy, frozen all the way down: what becomes of the original changes nothing', () => {
    const value = { id: 'a', tags: ['x'] }
    recorder.put(seats, value)
    value.tags.push('y')
    const { value: kept } = recorder.steps[0] as PutStep
    expect(kept).toStrictEqual({ id: 'a', tags: ['x'] })
    expect([Object.isFrozen(kept), Object.isFrozen(kept.tags)]).toEqual([true, true])
  })
})

// The log would hold U+FFFD in its place: other values on every replica than on the unit that
// foresaw them, under the same version.
test('texts that the log would change are refused wherever a handler hands them over', () => {
  const lone = 'a\ud800'
  const initial = { id: 'a', tags: [lone] }
  const claim = { equals: [1], limit: 1 } as const
  const attempts: ((tx: Transaction) => unknown)[] = [
    (tx) => tx.put(seats, { id: 'a', tags: ['x', lone] }),
    // @ts-expect-error: no text
    (tx) => tx.append(seats, 'a', 'tags', ['x', { deep: [lone] }]),
    // @ts-expect-error: no text
    (tx) => tx.append(seats, 'a', 'tags', [{ [lone]: 1 }]),
    (tx) => tx.increment(seats, 'a', 'n', 1, { initial }),
    (tx) => tx.take(seats, 'byN', claim, { tags: [lone] }),
    (tx) => tx.take(seats, 'byN', { ...claim, from: lone }, {}),
    (tx) => tx.range(seats, 'byN', { equals: [1, lone] }),
  ]
  for (const attempt of attempts) expect(codeOf(attempt)).not.toBe('none')
  expect([recorder.steps, recorder.ranges]).toEqual([[], []])
  expect(() => recorder.put(seats, { id: 'a', tags: ['x', lone] })).toThrow(
    'cache seats: tags.1 must be well-formed Unicode (it has a lone surrogate)',
  )
  for (const text of ['', 'ä', '\u{1f600}', '\ufffd'])
    recorder.put(seats, { id: 'a', tags: [text] })
})

describe('the keys a handler names', () => {
  const initial = { id: 'a', n: 0 }

  test.each(['', '\ud800', 'a\0b', 'x'.repeat(1025)])('are refused for writes: %j', (key) => {
    expect(codeOf((tx) => tx.put(seats, { id: key }))).toMatch('invalid_')
    expect(codeOf((tx) => tx.delete(seats, key))).toBe('invalid_key')
    expect(codeOf((tx) => tx.increment(seats, key, 'n', 1))).toBe('invalid_key')
    expect(codeOf((tx) => tx.append(seats, key, 'tags', []))).toBe('invalid_key')
    expect(recorder.steps).toEqual([])
  })

  // A lone surrogate would come out of the log as U+FFFD, the read be validated against another
  // entry, and collide for ever.
  test('need no validation when no entry can have them', () => {
    for (const key of ['', '\ud800', 'a\0b']) expect(recorder.get(seats, key)).toBe(undefined)
    expect(recorder.reads).toEqual([])
    expect(recorder.get(seats, '\ufffd')).toEqual({ id: '\ufffd' })
    expect(recorder.reads.length).toBe(1)
  })

  test('are those of the initial values they come with', () => {
    expect(codeOf((tx) => tx.increment(seats, 'a', 'n', 1, { initial }))).toBe('none')
    expect(codeOf((tx) => tx.increment(seats, 'b', 'n', 1, { initial }))).toBe('error')
    expect(codeOf((tx) => tx.append(seats, 'b', 'tags', [], { initial }))).toBe('error')
    const wrong = as({ id: 'a', n: 'five' })
    expect(codeOf((tx) => tx.increment(seats, 'a', 'n', 1, { initial: wrong }))).toBe(
      'invalid_input',
    )
  })
})

describe('the caches and ranges a handler names', () => {
  test('are those of its space', () => {
    expect(() => recorder.get(unknown, 'a')).toThrow(
      'cache unknown: is not in the space: add it to the caches of defineSpace',
    )
    expect(() => recorder.range(unknown, 'byN')).toThrow('unknown')
    expect(() => recorder.put(unknown, { id: 'a' })).toThrow('unknown')
    expect(() => recorder.range(seats, 'byOther')).toThrow('no index "byOther"')
  })

  test.each<[IndexRange, boolean]>([
    [{}, true],
    [{ equals: [1, 'a'] }, true],
    [{ equals: [1], from: 'a', before: 'b' }, true],
    [{ equals: [1, 'a'], from: 'a' }, false],
    [{ equals: [1, 'a'], after: false }, false],
    [{ equals: [1, 'a', 2] }, false],
  ])('have no more values than the index has fields: %j', (range, fits) => {
    // Its type does not know the fields.
    const cache: AnyCache = seats
    expect(codeOf((tx) => tx.range(cache, 'byN', range))).toBe(fits ? 'none' : 'error')
    const claim = (tx: Transaction) => tx.take(cache, 'byN', { ...range, limit: 1 }, {})
    expect(codeOf(claim)).toBe(fits ? 'none' : 'error')
  })
})

test('time, identifiers and events are those of the transaction', () => {
  expect([recorder.now, recorder.newId(), recorder.writes]).toEqual([77, 'made', false])
  recorder.emit('sold', { seat: 'a' })
  expect(recorder.events).toEqual([{ name: 'sold', payload: { seat: 'a' } }])
  expect(recorder.writes).toBe(true)
})

test('a transaction is over when its handler has returned: nothing gets into it, or out of it, later', () => {
  recorder.put(seats, { id: 'a' })
  const counted = recorder.increment(seats, 'b', 'n', 1, { initial: { id: 'b', n: 0 } })
  recorder.close()
  const later: ((tx: Transaction) => unknown)[] = [
    (tx) => tx.put(seats, { id: 'c' }),
    (tx) => tx.delete(seats, 'a'),
    (tx) => tx.get(seats, 'a'),
    (tx) => tx.peek(seats, 'a'),
    (tx) => tx.range(seats, 'byN'),
    (tx) => tx.increment(seats, 'b', 'n', 1),
    (tx) => tx.append(seats, 'b', 'tags', []),
    (tx) => tx.take(seats, 'byN', { limit: 1 }, {}),
    (tx) => tx.emit('Late', {}),
    (tx) => tx.reject('late'),
    () => counted.predicted,
  ]
  for (const attempt of later) expect(() => attempt(recorder)).toThrow('the transaction is over')
  expect(recorder.steps).toHaveLength(2)
})
