import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeTransactions, encodeTransactions } from '../engine/wire/frame-codec.ts'
import type { Value } from './data-types.ts'
import type { Write } from './evaluation.ts'
import { type Frame, FrameKind } from './frame.ts'
import { Melder } from './meld.ts'
import { type Random, randomOf, snapshot } from './random-commands.test.ts'
import { initialShape, type SpaceShape } from './shape.ts'
import { type ReplicatedHeader, SpaceState } from './space-state.ts'
import { type Step, StepKind, type TransactionRecord } from './steps.ts'

const cacheShape = (name: string) => ({
  name,
  key: 'id',
  indexes: [{ name: 'byN', fields: ['n'] }],
  expiry: undefined,
})
const shape: SpaceShape = { caches: [...initialShape.caches, cacheShape('things')] }
const later: SpaceShape = { caches: [...shape.caches, cacheShape('extras')] }
const things = initialShape.caches.length
const extras = things + 1

/** An outcome as changes carry it: what melding did to one entry, and where. */
interface Outcome extends Write {
  readonly position: number
}

/** A log, and all that melding it did, by position. */
interface History {
  readonly frames: readonly Frame[]
  readonly outcomes: readonly (readonly Outcome[])[]
  readonly headers: readonly ReplicatedHeader[]
}

function randomStep(random: Random, extended: boolean): Step {
  const key = 'abcd'[random(4)] as string
  const cache = extended && random(3) === 0 ? extras : things
  const value = { id: key, n: random(3) }
  const what = random(4)
  if (what === 0) return { kind: StepKind.delete, cache, key }
  if (what < 3) return { kind: StepKind.put, cache, key, value }
  const bounds = { min: undefined, max: undefined, initial: value }
  const operation = { expected: undefined, otherwise: 'no' }
  return { kind: StepKind.increment, cache, key, field: 'n', by: 1, ...bounds, ...operation }
}

/**
 * Batches of one origin, some in parts, in which entries come, change, go and come again, often
 * several times at one position.
 */
function randomHistory(random: Random, length: number): History {
  const frames: Frame[] = [
    { kind: FrameKind.shape, shape },
    { kind: FrameKind.join, unit: 'unit', nonce: 1 },
  ]
  const shapeAt = 2 + random(length)
  let extended = false
  let id = 0
  let number = 0
  const link = () => ({ origin: 2, id: ++id, previous: id - 1, deadline: 1e9 })
  while (frames.length < length) {
    if (!extended && frames.length >= shapeAt) {
      frames.push({ kind: FrameKind.shape, shape: later })
      extended = true
    }
    const transactions = Array.from({ length: random(4) }, (): TransactionRecord => {
      const steps = Array.from({ length: 1 + random(2) }, () => randomStep(random, extended))
      return { number: ++number, reads: [], ranges: [], steps, events: [], notBefore: 0 }
    })
    const bytes = encodeTransactions(transactions)
    const inParts = random(5) === 0
    if (inParts)
      for (const part of [bytes.subarray(0, 1), bytes.subarray(1)])
        frames.push({ kind: FrameKind.part, ...link(), bytes: part })
    const batch = inParts ? { transactions: [], parts: 2 } : { transactions, parts: 0 }
    frames.push({ kind: FrameKind.transactions, ...link(), ...batch })
  }
  const state = new SpaceState()
  const outcomes: Outcome[][] = [[]]
  const headers = [state.header()]
  let changed: Outcome[] = []
  const melder = new Melder(state, decodeTransactions, {
    changed: (write) => changed.push({ ...write, position: state.position }),
  })
  frames.forEach((frame, i) => {
    changed = []
    melder.meld(frame, i + 1, i)
    outcomes.push(changed)
    headers.push(state.header())
  })
  return { frames, outcomes, headers }
}

const place = ({ cache, key }: { cache: number; key: string }) => `${cache} ${key}`

/** The last outcome of each entry: how the pump's windows carry changes. */
const coalesced = (outcomes: readonly Outcome[]): Outcome[] => [
  ...new Map(outcomes.map((outcome) => [place(outcome), outcome])).values(),
]

/** A store that moves on by windows of changes while it is scanned. */
class Store {
  readonly entries = new Map<string, Outcome & { readonly value: Value }>()
  readonly #history: History
  position = 0

  constructor(history: History) {
    this.#history = history
  }

  get header(): ReplicatedHeader {
    return this.#history.headers[this.position] as ReplicatedHeader
  }

  changesAfter(position: number): Outcome[] {
    return this.#history.outcomes.slice(position + 1, this.position + 1).flat()
  }

  advance(positions: number): void {
    const before = this.position
    this.position = Math.min(before + positions, this.#history.frames.length)
    for (const outcome of this.changesAfter(before)) {
      const { value } = outcome
      if (value === undefined) this.entries.delete(place(outcome))
      else this.entries.set(place(outcome), { ...outcome, value })
    }
  }
}

function rehydrate(store: Store, random: Random): SpaceState {
  const start = store.position
  const state = SpaceState.toRestore()
  let cursor = ''
  for (;;) {
    if (random(3) === 0) store.advance(random(4))
    const next = [...store.entries.keys()].sort().find((key) => key > cursor)
    if (next === undefined) break
    cursor = next
    state.reshape(store.header.shape)
    const entry = store.entries.get(next) as Outcome
    state.restore(entry.cache, entry.key, entry.value, entry.version, entry.position)
  }
  state.reshape(store.header.shape)
  const changes = store.changesAfter(start)
  for (const c of random(2) === 0 ? changes : coalesced(changes))
    state.restore(c.cache, c.key, c.value, c.version, c.position)
  state.adopt(store.header)
  for (const _ of state.completeIndexes());
  return state
}

// architecture.md, invariant 8
describe('rehydration', () => {
  test('from a scan taken while the source moves on gives exactly the state at its end', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 3, max: 40 }), (seed, length) => {
        const random = randomOf(seed)
        const history = randomHistory(random, length)
        const store = new Store(history)
        store.advance(random(length))
        const state = rehydrate(store, random)

        const melder = new Melder(new SpaceState(), decodeTransactions)
        const meldUpTo = (end: number) => {
          for (const target of [melder, new Melder(state, decodeTransactions)])
            for (let at = target.state.position; at < end; at++)
              target.meld(history.frames[at] as Frame, at + 1, at)
        }
        for (const end of [store.position, history.frames.length]) {
          meldUpTo(end)
          expect(snapshot(state)).toEqual(snapshot(melder.state))
        }
      }),
      { numRuns: 400, endOnFailure: true },
    )
  })

  test('keeps a scanned entry that is newer than a change, and takes one of its own position', () => {
    const state = new SpaceState(shape)
    const restore = (n: number | undefined, version: number, position: number) =>
      state.restore(things, 'a', n === undefined ? n : { id: 'a', n }, version, position)
    restore(5, 50, 5)
    restore(4, 40, 4)
    restore(undefined, 0, 4)
    expect(state.find(things, 'a')).toMatchObject({ value: { n: 5 }, version: 50, position: 5 })
    restore(6, 60, 5)
    expect(state.find(things, 'a')).toMatchObject({ value: { n: 6 }, version: 60 })
    restore(undefined, 0, 5)
    expect([state.find(things, 'a'), state.entryCount]).toEqual([undefined, 0])
    expect(state.digest.toString()).toBe(new SpaceState().digest.toString())
  })

  test('takes over a header as a copy: later changes of one state are none of the other', () => {
    const state = new SpaceState(shape)
    const melder = new Melder(state, decodeTransactions)
    melder.meld({ kind: FrameKind.join, unit: 'unit', nonce: 7 }, 1, 1000)
    const header = state.header()
    const copy = SpaceState.toRestore()
    copy.adopt(header)
    for (const _ of copy.completeIndexes());
    expect(copy.header()).toEqual(header)
    const barrier = { origin: 1, id: 1, previous: 0, deadline: 2, transactions: [], parts: 0 }
    const frame: Frame = { kind: FrameKind.transactions, ...barrier }
    melder.meld(frame, 2, 2000)
    expect(copy.header()).toEqual(header)
    new Melder(copy, decodeTransactions).meld(frame, 2, 2000)
    expect(copy.header()).toEqual(state.header())
    const empty = new SpaceState()
    empty.adopt(header)
    expect(empty.header()).toEqual(header)
    expect(empty.cache(things).entries.size).toBe(0)
    expect(header.origins).toEqual([[1, { unit: 'unit', nonce: 7, lastFrame: 0, lastTime: 1000 }]])
  })
})
