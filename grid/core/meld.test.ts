import { beforeEach, describe, expect, test } from 'vitest'
import { decodeTransactions, encodeTransactions } from '../engine/wire/frame-codec.ts'
import { type ChainedFrame, type Frame, FrameKind } from './frame.ts'
import { Melder, originSilentMsMax, originsMax } from './meld.ts'
import { initialShape, partsCacheNumber, type SpaceShape } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { type Step, StepKind, type TransactionRecord } from './steps.ts'
import { derivedVersion, transactionId } from './version.ts'

const counters = initialShape.caches.length
const counterShape = { name: 'counters', key: 'id', indexes: [], expiry: undefined }
const shape: SpaceShape = { caches: [...initialShape.caches, counterShape] }

let state: SpaceState
let melder: Melder
/** What the melder told its observer, in short. */
let seen: string[]

beforeEach(() => {
  state = new SpaceState(shape)
  seen = []
  melder = new Melder(state, decodeTransactions, {
    accepted: (frame) => seen.push(`accepted ${frame.id}`),
    changed: ({ key, value }, before) =>
      seen.push(`changed ${key} ${before?.n ?? '-'} → ${value?.n ?? '-'}`),
    decided: (index, { number }, id, { outcome }) =>
      seen.push(`decided ${index} ${id === transactionId(1, number)} ${outcome}`),
    emitted: ({ name }) => seen.push(`emitted ${name}`),
  })
})

const meld = (frame: Frame, time = state.time) => melder.meld(frame, state.position + 1, time)

function join(unit = 'unit', time = state.time): number {
  expect(meld({ kind: FrameKind.join, unit, nonce: 1 }, time)).toBe(true)
  return state.position
}

const put = (key: string, n = 1): Step => ({
  kind: StepKind.put,
  cache: counters,
  key,
  value: { id: key, n },
})

const count = (key: string, by: number, min?: number): Step => ({
  kind: StepKind.increment,
  cache: counters,
  key,
  field: 'n',
  by,
  min,
  max: undefined,
  initial: undefined,
  expected: undefined,
  otherwise: 'no',
})

let transactionCount = 0

const transaction = (
  steps: readonly Step[],
  more: Partial<TransactionRecord> = {},
): TransactionRecord => ({
  number: ++transactionCount,
  reads: [],
  ranges: [],
  events: [],
  notBefore: 0,
  steps,
  ...more,
})

interface Link {
  readonly origin?: number
  readonly id: number
  readonly previous: number
  readonly deadline?: number
}

const link = ({ origin = 1, id, previous, deadline = 1e9 }: Link) => ({
  origin,
  id,
  previous,
  deadline,
})

const batch = (at: Link, ...transactions: TransactionRecord[]): ChainedFrame => ({
  kind: FrameKind.transactions,
  ...link(at),
  transactions,
  parts: 0,
})

const part = (at: Link, bytes: Uint8Array): ChainedFrame => ({
  kind: FrameKind.part,
  ...link(at),
  bytes,
})

const lastPart = (at: Link, parts: number): ChainedFrame => ({
  kind: FrameKind.transactions,
  ...link(at),
  transactions: [],
  parts,
})

const keys = () => [...state.cache(counters).entries.keys()].sort()

// architecture.md, invariant 3
describe('a frame', () => {
  test('is accepted once, whatever else comes in between', () => {
    join()
    const frame = batch({ id: 1, previous: 0 }, transaction([put('a')]))
    expect(meld(frame)).toBe(true)
    expect(meld(frame)).toBe(false)
    expect(meld(batch({ id: 2, previous: 1 }))).toBe(true)
    expect(meld(frame)).toBe(false)
    expect(seen.filter((s) => s.startsWith('changed'))).toEqual(['changed a - → 1'])
  })

  test('is ignored before the one it follows, and taken after it', () => {
    join()
    const [first, second] = [batch({ id: 1, previous: 0 }), batch({ id: 2, previous: 1 })]
    expect([second, first, second].map((frame) => meld(frame))).toEqual([false, true, true])
  })

  test('that follows one given up never fits, though its number would', () => {
    join()
    meld(batch({ id: 1, previous: 0 }))
    // Frames 2 and 3 are given up; frame 4 takes the place of 2. The late 3 is then the second
    // behind 1 as well.
    expect(meld(batch({ id: 4, previous: 1 }))).toBe(true)
    expect(meld(batch({ id: 3, previous: 2 }, transaction([put('late')])))).toBe(false)
    expect(meld(batch({ id: 5, previous: 4 }))).toBe(true)
    expect(keys()).toEqual([])
  })

  test('lands at its deadline, not behind it, and takes what follows it along', () => {
    join()
    expect(meld(batch({ id: 1, previous: 0, deadline: 2 }))).toBe(true)
    expect(meld(batch({ id: 2, previous: 1, deadline: 2 }))).toBe(false)
    expect(meld(batch({ id: 3, previous: 2 }))).toBe(false)
    expect(meld(batch({ id: 4, previous: 1 }))).toBe(true)
  })

  test('of an origin that never joined, or has left, is ignored', () => {
    join()
    expect(meld(batch({ origin: 7, id: 1, previous: 0 }))).toBe(false)
    expect(meld({ kind: FrameKind.leave, ...link({ id: 1, previous: 0 }) })).toBe(true)
    expect(meld(batch({ id: 2, previous: 1 }))).toBe(false)
    expect(state.origins.size).toBe(0)
  })

  test('that is ignored still has a position and a time', () => {
    expect(meld(batch({ id: 1, previous: 0 }), 500)).toBe(false)
    expect([state.position, state.time, seen]).toEqual([1, 500, []])
    expect(() => melder.meld(batch({ id: 1, previous: 0 }), 3, 500)).toThrow('position 3 after 1')
    expect(() => melder.meld(batch({ id: 1, previous: 0 }), 1, 500)).toThrow('position 1 after 1')
  })
})

describe('melding', () => {
  test('decides the transactions of a frame in their order, each on what those before it left', () => {
    join()
    const version = transactionId(1, transactionCount + 1)
    meld(
      batch(
        { id: 1, previous: 0 },
        transaction([put('a', 5)]),
        transaction([count('a', -3, 0)], { events: [{ name: 'sold', payload: {} }] }),
        transaction([count('a', -3, 0), put('b')], { events: [{ name: 'never', payload: {} }] }),
        transaction([put('b')], {
          reads: [{ cache: counters, key: 'a', version }],
          events: [{ name: 'never', payload: {} }],
        }),
        transaction([{ kind: StepKind.delete, cache: counters, key: 'a' }]),
        transaction([{ kind: StepKind.delete, cache: counters, key: 'a' }]),
      ),
    )
    expect(seen).toEqual([
      'accepted 1',
      'changed a - → 5',
      'decided 0 true applied',
      'changed a 5 → 2',
      'emitted sold',
      'decided 1 true applied',
      'decided 2 true refused',
      'decided 3 true collided',
      'changed a 2 → -',
      'decided 4 true applied',
      'decided 5 true applied',
    ])
    expect(keys()).toEqual([])
  })

  test('leaves entries with their version and position', () => {
    join()
    const first = transaction([put('a', 5)])
    const second = transaction([count('a', 1)])
    meld(batch({ id: 1, previous: 0 }, first))
    meld(batch({ id: 2, previous: 1 }, second))
    const version = derivedVersion(
      transactionId(1, second.number),
      0,
      transactionId(1, first.number),
    )
    expect(state.find(counters, 'a')).toMatchObject({ value: { n: 6 }, version, position: 3 })
  })

  test('knows one time, that of the log, which never runs backwards', () => {
    join('unit', 1000)
    meld(batch({ id: 1, previous: 0 }, transaction([put('early')], { notBefore: 2000 })), 1999)
    meld(batch({ id: 2, previous: 1 }, transaction([put('due')], { notBefore: 2000 })), 2000)
    meld(batch({ id: 3, previous: 2 }, transaction([put('still')], { notBefore: 2000 })), 500)
    expect(keys()).toEqual(['due', 'still'])
    expect(state.time).toBe(2000)
    expect(state.origins.get(1)?.lastTime).toBe(2000)
  })
})

describe('an origin', () => {
  test('that has been silent for long is forgotten when another one joins, not before', () => {
    const silent = join('silent', 0)
    const busy = join('busy', 0)
    meld(batch({ origin: busy, id: 1, previous: 0 }), originSilentMsMax)
    meld(part({ origin: silent, id: 1, previous: 0, deadline: 0 }, new Uint8Array(1)))
    const third = join('third', originSilentMsMax)
    expect([...state.origins.keys()]).toEqual([silent, busy, third])
    const fourth = join('fourth', originSilentMsMax + 1)
    expect([...state.origins.keys()]).toEqual([busy, third, fourth])
    expect(meld(batch({ origin: silent, id: 1, previous: 0 }))).toBe(false)
  })

  test('is one of a bounded number: the most silent one makes room', () => {
    const first = join('first', 0)
    for (let i = 1; i < originsMax; i++) join('other', 1)
    expect(state.origins.size).toBe(originsMax)
    meld(batch({ origin: first, id: 1, previous: 0 }), 2)
    join('last', 2)
    expect(state.origins.size).toBe(originsMax)
    expect(state.origins.has(first)).toBe(true)
    expect(state.origins.has(first + 1)).toBe(false)
  })
})

describe('a batch in parts', () => {
  const bytes = encodeTransactions([transaction([put('a')]), transaction([put('b')])])
  const parts = [bytes.subarray(0, 9), bytes.subarray(9, 10), bytes.subarray(10)] as const
  const kept = () => [...state.cache(partsCacheNumber).entries.keys()]
  let other: number

  beforeEach(() => {
    join()
    other = join('other')
  })

  /** Ids from 9 to 11: their order is that of numbers, not of text. */
  const sendParts = (previous: number) => {
    expect(meld(part({ id: 9, previous }, parts[0]))).toBe(true)
    expect(meld(part({ origin: other, id: 1, previous: 0 }, new Uint8Array([0xc1])))).toBe(true)
    expect(meld(part({ id: 10, previous: 9 }, parts[1]))).toBe(true)
    expect(meld(part({ id: 11, previous: 10 }, parts[2]))).toBe(true)
  }

  test("is decided at its last frame, whatever others' frames lie between", () => {
    sendParts(0)
    expect(keys()).toEqual([])
    expect(kept()).toEqual(['1.9', '2.1', '1.10', '1.11'])
    expect(meld(lastPart({ id: 12, previous: 11 }, 3))).toBe(true)
    expect(keys()).toEqual(['a', 'b'])
    expect(state.find(counters, 'a')?.position).toBe(state.position)
    expect(kept()).toEqual(['2.1'])
    expect(meld(lastPart({ id: 12, previous: 11 }, 3))).toBe(false)
  })

  test('leaves its half behind when it is given up, until the next batch of its origin', () => {
    meld(part({ id: 7, previous: 0 }, bytes.subarray(0, 20)))
    meld(batch({ id: 8, previous: 7 }, transaction([put('x')])))
    expect([keys(), kept()]).toEqual([['x'], []])
  })

  test('is not spoilt by the half of one given up before', () => {
    meld(part({ id: 7, previous: 0 }, bytes.subarray(0, 20)))
    sendParts(7)
    meld(lastPart({ id: 12, previous: 11 }, 3))
    expect([keys(), kept()]).toEqual([['a', 'b'], ['2.1']])
  })

  test('goes with its origin', () => {
    sendParts(0)
    meld({ kind: FrameKind.leave, ...link({ id: 12, previous: 11 }) })
    expect(kept()).toEqual(['2.1'])
    join('third', originSilentMsMax + 1)
    expect(kept()).toEqual([])
    expect(state.digest.toString()).toBe(new SpaceState(shape).digest.toString())
  })
})
