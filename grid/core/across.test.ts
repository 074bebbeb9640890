import { beforeEach, describe, expect, test } from 'vitest'
import {
  accounts,
  decide,
  erase,
  finish,
  forget,
  increment,
  PartitionLog,
  put,
  take,
  terms,
} from '../kit/held/partition-log.ts'
import { isConfirmed } from './across.ts'
import type { Evaluation } from './evaluation.ts'
import { idempotencyCacheNumber } from './shape.ts'
import { isSound } from './sound.ts'
import { SpaceState } from './space-state.ts'
import { type RememberStep, type Step, StepKind } from './steps.ts'

let log: PartitionLog

beforeEach(() => {
  log = new PartitionLog()
  for (const [key, balance] of [
    ['x', 10],
    ['y', 20],
    ['z', 30],
  ] as const)
    log.meld({ steps: [put(key, balance)] })
})

const fate = (evaluation: Evaluation): unknown =>
  evaluation.outcome === 'applied' ? evaluation.outcomes[0] : evaluation.outcome

const held = { outcome: 'collided', hold: 'one' }

/** Holds `x`, from 10 to 7. */
const prepareX = (more = {}) =>
  log.meld({ reads: [log.read('x')], steps: [increment('x', -3)], hold: terms('one', more) })

const remember: RememberStep = {
  kind: StepKind.remember,
  ...{ key: 'k', command: 'pay', input: 'i', data: { left: 7 }, slots: {}, expiresAt: 9000 },
}

describe('a prepare', () => {
  test('changes nothing but what is held, and tells what its operations come to', () => {
    expect(prepareX()).toMatchObject({ outcome: 'applied', outcomes: [7] })
    expect(log.balance('x')).toBe(10)
    expect(log.state.holds.find('one')).toMatchObject({ notAfter: 1000, writes: [{ key: 'x' }] })
  })

  test('collides with what has changed since, as anything does', () => {
    const reads = [log.read('x')]
    log.meld({ steps: [put('x', 1)] })
    expect(log.meld({ reads, steps: [put('y', 1)], hold: terms('one') }).outcome).toBe('collided')
    expect(log.state.holds.size).toBe(0)
  })

  test('refuses where an operation does', () => {
    const refused = log.meld({ steps: [increment('x', -30, 0)], hold: terms('one') })
    expect(refused).toMatchObject({ outcome: 'refused', reason: 'no', details: { value: 10 } })
    expect(log.state.holds.size).toBe(0)
  })

  test('that lands late is refused, by the time of the log: not-after', () => {
    log.meld({}, 1001)
    expect(prepareX().outcome).toBe('collided')
    expect(log.state.holds.size).toBe(0)
  })

  test('lands in time at the very last moment', () => {
    log.meld({}, 1000)
    expect(prepareX().outcome).toBe('applied')
  })

  test('of an attempt that is held already is refused', () => {
    prepareX()
    expect(log.meld({ steps: [put('y', 1)], hold: terms('one') }).outcome).toBe('collided')
  })

  test.each([
    ['without an attempt', { attempt: '' }],
    ['of no partition', { partition: -1 }],
    ['of more partitions than there can be', { participants: Array(2000).fill(0) }],
    ['for ever', { notAfter: Number.POSITIVE_INFINITY }],
  ])('%s is unsound', (_, more) => {
    expect(prepareX(more)).toMatchObject({ outcome: 'refused', fault: 'unsound' })
  })

  test('is unsound where a space is not divided', () => {
    const { layout } = new SpaceState()
    const whole = { number: 1, reads: [], ranges: [], events: [], notBefore: 0 }
    expect(isSound(layout, { ...whole, steps: [], hold: terms('one') })).toBe(false)
    for (const { steps = [] } of [decide('one', 'commit'), finish('one', 'abort'), forget('one')])
      expect(isSound(layout, { ...whole, steps })).toBe(false)
  })
})

describe('while something is held', () => {
  beforeEach(() => {
    prepareX()
  })

  const collides: [string, () => Evaluation][] = [
    [
      'a read of what will be written',
      () => log.meld({ reads: [log.read('x')], steps: [put('q', 1)] }),
    ],
    ['a blind write', () => log.meld({ steps: [put('x', 1)] })],
    ['a deletion', () => log.meld({ steps: [erase('x')] })],
    ['an operation', () => log.meld({ steps: [increment('x', 1)] })],
    ['an operation that would be refused', () => log.meld({ steps: [increment('x', -99, 0)] })],
    ['a claim of it', () => log.meld({ steps: [take(1)] })],
    ['a claim that finds too little', () => log.meld({ steps: [take(9, 9)] })],
    [
      'a range that has it',
      () => log.meld({ ranges: [log.range({ equals: ['a'] })], steps: [put('q', 1)] }),
    ],
    [
      'a range that will have it',
      () =>
        log.meld({ ranges: [log.range({ equals: ['a'], from: 0, to: 8 })], steps: [put('q', 1)] }),
    ],
    ['another prepare', () => log.meld({ steps: [put('x', 1)], hold: terms('two') })],
    [
      'another prepare that reads it',
      () => log.meld({ reads: [log.read('x')], hold: terms('two') }),
    ],
  ]
  test.each(collides)('%s collides with it', (_, melded) => {
    expect(melded()).toEqual(held)
  })

  test('what only reads it is not confirmed: read-held', () => {
    expect(isConfirmed(log.state, { reads: [log.read('x')], ranges: [] })).toBe(false)
    expect(isConfirmed(log.state, { reads: [], ranges: [log.range({ equals: ['a'] })] })).toBe(
      false,
    )
    expect(isConfirmed(log.state, { reads: [log.read('y')], ranges: [] })).toBe(true)
  })

  test('everything else goes on', () => {
    const free = [
      () => ({ reads: [log.read('y')], steps: [put('y', 1, 'b')] }),
      () => ({ steps: [increment('z', 1)] }),
      () => ({ ranges: [log.range({ equals: ['b'] })], steps: [put('q', 1, 'b')] }),
      () => ({ ranges: [log.range({ equals: ['a'], from: 11 })], steps: [put('q', 50)] }),
      () => ({ steps: [put('z', 3, 'b')], hold: terms('two') }),
    ]
    for (const record of free) expect(log.meld(record()).outcome).toBe('applied')
  })

  test('a range is cut off where its limit cuts it off', () => {
    const first = log.range({ equals: ['a'], reverse: true, limit: 1 })
    expect(log.meld({ ranges: [first], steps: [put('q', 1)] }).outcome).toBe('applied')
    const both = log.range({ equals: ['a'], reverse: true, limit: 3 })
    expect(log.meld({ ranges: [both], steps: [put('q', 1)] })).toEqual(held)
  })
})

describe('what was read is held for others to read', () => {
  const guard = (more = {}) => log.meld({ steps: [put('w', 5, 'b')], hold: terms('one'), ...more })

  test('and not to write: shared-hold', () => {
    guard({ reads: [log.read('x')] })
    expect(log.meld({ steps: [put('x', 1)] })).toEqual(held)
    expect(log.meld({ steps: [increment('x', 1)] })).toEqual(held)
    expect(log.meld({ reads: [log.read('x')], steps: [put('q', 1)] }).outcome).toBe('applied')
    expect(log.meld({ reads: [log.read('x')], hold: terms('two') }).outcome).toBe('applied')
  })

  test('and no entry may come into a range that was read, or leave it', () => {
    guard({ ranges: [log.range({ equals: ['a'], from: 5, to: 15 })] })
    expect(log.meld({ steps: [put('new', 7)] })).toEqual(held)
    expect(log.meld({ steps: [put('x', 99)] })).toEqual(held)
    expect(log.meld({ steps: [erase('x')] })).toEqual(held)
    expect(log.meld({ steps: [increment('y', -8)] })).toEqual(held)
    expect(log.meld({ steps: [take(1)] })).toEqual(held)
    expect(log.meld({ steps: [put('y', 21)] }).outcome).toBe('applied')
    expect(log.meld({ steps: [put('new', 7, 'b')] }).outcome).toBe('applied')
  })

  test('a claim holds the range that it has claimed the first of', () => {
    log.meld({ steps: [take(1)], hold: terms('one') })
    expect(log.meld({ steps: [put('new', 1)] })).toEqual(held)
    expect(log.meld({ steps: [put('new', 25)] }).outcome).toBe('applied')
  })

  test('a claim of what steps before it had hidden holds as far as it reached', () => {
    log.meld({ steps: [erase('x'), take(1)], hold: terms('one') })
    expect(log.meld({ steps: [put('new', 15)] })).toEqual(held)
    expect(log.meld({ steps: [put('new', 35)] }).outcome).toBe('applied')
  })
})

describe('a decision', () => {
  test('to commit applies what is held, and is remembered until it is forgotten', () => {
    prepareX()
    expect(fate(log.meld(decide('one', 'commit')))).toBe('commit')
    expect(log.balance('x')).toBe(7)
    expect(log.state.holds.size).toBe(0)
    const { commits } = log.state.layout
    expect(log.state.find(commits, 'one')?.value).toMatchObject({ participants: [0, 1] })
    expect(fate(log.meld(forget('one')))).toBe('forgotten')
    expect(fate(log.meld(forget('one')))).toBe('nothing')
    expect(log.state.find(commits, 'one')).toBeUndefined()
  })

  test('leaves the version that the prepare has made, at its own position', () => {
    prepareX()
    const [write] = log.state.holds.find('one')?.writes ?? []
    log.meld(decide('one', 'commit'))
    expect(log.state.find(accounts, 'x')?.version).toBe(write?.version)
    expect(log.state.find(accounts, 'x')?.position).toBe(log.state.position)
  })

  test('to abort drops it, and needs no memory', () => {
    prepareX()
    expect(fate(log.meld(decide('one', 'abort')))).toBe('abort')
    expect(log.balance('x')).toBe(10)
    expect(log.state.holds.size).toBe(0)
    expect(fate(log.meld(decide('one', 'commit')))).toBe('abort')
    expect(log.balance('x')).toBe(10)
  })

  test('that came first counts: first-verdict', () => {
    prepareX()
    log.meld(decide('one', 'commit'))
    expect(fate(log.meld(decide('one', 'abort')))).toBe('commit')
    expect(fate(log.meld(decide('one', 'abort', { asked: true })))).toBe('commit')
    expect(log.balance('x')).toBe(7)
  })

  test('that others ask for comes when the prepare can no longer land: asked-late', () => {
    prepareX()
    expect(fate(log.meld(decide('one', 'abort', { asked: true }), 1000))).toBe('too early')
    expect(log.state.holds.size).toBe(1)
    expect(fate(log.meld(decide('one', 'abort', { asked: true }), 1001))).toBe('abort')
    expect(log.state.holds.size).toBe(0)
  })

  test('writes the answer under the key that was held for it: key', () => {
    const key: Step = { ...remember, data: 'another' }
    prepareX({ key: 'k' })
    expect(log.meld({ steps: [put('q', 1), key] })).toEqual(held)
    const absent = [{ cache: idempotencyCacheNumber, key: 'k', version: 0 }]
    expect(log.meld({ reads: absent, steps: [put('q', 1)] })).toEqual(held)
    expect(log.meld({ steps: [put('q', 1)], hold: terms('two', { key: 'k' }) })).toEqual(held)
    log.meld(decide('one', 'commit', { remember }))
    expect(log.state.find(idempotencyCacheNumber, 'k')?.value).toMatchObject({ data: { left: 7 } })
  })

  test('is not made where another partition decides, nor finished where this one does', () => {
    prepareX()
    expect(fate(log.meld(finish('one', 'commit')))).toBe('nothing')
    log.meld({ steps: [increment('y', 1)], hold: terms('two', { partition: 1 }) })
    expect(fate(log.meld(decide('two', 'commit')))).toBe('abort')
    expect(log.state.holds.size).toBe(2)
  })
})

describe('what is finished', () => {
  beforeEach(() => {
    prepareX({ partition: 1 })
  })

  test('is applied or dropped, once', () => {
    expect(fate(log.meld(finish('one', 'commit')))).toBe('commit')
    expect(log.balance('x')).toBe(7)
    expect(fate(log.meld(finish('one', 'commit')))).toBe('nothing')
    expect(log.balance('x')).toBe(7)
  })

  test('is dropped without a trace', () => {
    expect(fate(log.meld(finish('one', 'abort')))).toBe('abort')
    expect(log.balance('x')).toBe(10)
    expect(log.meld({ steps: [increment('x', 1)] }).outcome).toBe('applied')
  })
})

test('an event is emitted when what emits it is committed', () => {
  const events = [{ name: 'paid', payload: { n: 1 } }]
  log.meld({ steps: [put('x', 1)], events, hold: terms('one') })
  expect(log.emitted).toEqual([])
  log.meld(decide('one', 'commit'))
  expect(log.emitted).toEqual(['paid'])
  log.meld({ steps: [put('x', 1)], events, hold: terms('two') })
  log.meld(decide('two', 'abort'))
  expect(log.emitted).toEqual(['paid'])
})

test('what is held is the same in a copy', () => {
  prepareX({ key: 'k' })
  log.meld({ ranges: [log.range({ equals: ['b'] })], steps: [take(1, 0, 'b')], hold: terms('two') })
  const { state } = log
  const copy = SpaceState.toRestore()
  copy.reshape(state.layout.shape)
  for (const { number } of state.layout.caches)
    for (const { key, value, version, position } of state.cache(number).entries.values())
      copy.restore(number, key, structuredClone(value), version, position)
  copy.adopt(state.header())
  for (const _ of copy.completeIndexes());
  expect(copy.holds.toString()).toBe(state.holds.toString())
  expect(copy.holds.toString()).toContain('exclusive 0 k one')
  expect(copy.digest.toString()).toBe(state.digest.toString())
})

test('nobody else writes what is held, or was decided', () => {
  const { holds, commits } = log.state.layout
  for (const cache of [holds, commits])
    for (const step of [
      { kind: StepKind.put, cache, key: 'one', value: { key: 'one' } },
      { kind: StepKind.delete, cache, key: 'one' },
    ] as Step[])
      expect(log.meld({ steps: [step] })).toMatchObject({ outcome: 'refused', fault: 'unsound' })
})

test('what follows up is alone in its transaction', () => {
  prepareX()
  const { steps = [] } = decide('one', 'commit')
  expect(log.meld({ steps: [put('q', 1), ...steps] })).toMatchObject({ fault: 'unsound' })
  expect(log.meld({ steps: [...steps, put('q', 1)] })).toMatchObject({ fault: 'unsound' })
  expect(log.meld({ steps, hold: terms('two') })).toMatchObject({ fault: 'unsound' })
  expect(log.meld({ steps: [remember], hold: terms('two') })).toMatchObject({ fault: 'unsound' })
})

test('more than a store can keep in one document is not held', () => {
  const value = { id: 'x', text: 'x'.repeat(5 * 1024 * 1024) }
  const large: Step = { kind: StepKind.put, cache: accounts, key: 'x', value }
  const refused = log.meld({ steps: [large], hold: terms('one') })
  expect(refused).toMatchObject({ outcome: 'refused', fault: 'hold_too_large' })
  expect(log.state.holds.size).toBe(0)
})
