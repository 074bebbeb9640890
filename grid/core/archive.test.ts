import { beforeEach, describe, expect, test } from 'vitest'
import { archiveBucketOf, archivingSteps } from './archive-buckets.ts'
import type { KnownArchive } from './archive-reads.ts'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { type Evaluation, evaluate, type Write } from './evaluation.ts'
import { FrameKind } from './frame.ts'
import { Melder } from './meld.ts'
import { Overlay } from './overlay.ts'
import { Recorder } from './recorder.ts'
import { mayArchive, mergeShapes, shapeOf } from './shape.ts'
import { isSound } from './sound.ts'
import { SpaceState } from './space-state.ts'
import { StepKind, type TransactionRecord } from './steps.ts'
import type { Transaction } from './transaction.ts'

const orders = defineCache('orders', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.Enum(['open', 'closed'], { type: 'string' }),
    closedAt: Type.Optional(Type.Integer()),
    count: Type.Optional(Type.Integer()),
  }),
  key: 'id',
  archive: { when: { status: 'closed' }, after: 'closedAt', ms: 1000 },
})
const plain = defineCache('plain', {
  schema: Type.Object({ id: Type.String() }),
  key: 'id',
})
const space = defineSpace('shop', { caches: [orders, plain] })

/** A store that is where the replica is. */
class Store implements KnownArchive {
  readonly values = new Map<string, Value>()
  asked = 0

  isInMemory(cache: number, key: string): boolean {
    return state.find(cache, key) !== undefined
  }

  find(_cache: number, key: string): Value | null {
    this.asked++
    return this.values.get(key) ?? null
  }
}

let state: SpaceState
let store: Store
let changes: { readonly write: Write; readonly before: Value | undefined }[]
let melder: Melder
let number: number

beforeEach(() => {
  state = new SpaceState(shapeOf(space))
  store = new Store()
  changes = []
  number = 0
  melder = new Melder(state, () => [], {
    changed: (write, before) => {
      changes.push({ write, before })
      if (write.archived && before) store.values.set(write.key, before)
      else if (write.cache === layout().number) store.values.delete(write.key)
    },
  })
  melder.meld({ kind: FrameKind.join, unit: 'one', nonce: 1 }, 1, 1)
})

const layout = () =>
  state.layout.named('orders') as NonNullable<ReturnType<typeof state.layout.named>>

function record(handler: (tx: Transaction) => void, archive: KnownArchive = store) {
  const recorder = new Recorder(state, { id: ++number, now: 0, newId: () => 'new', archive })
  handler(recorder)
  recorder.close()
  const { reads, ranges, steps, events, unknown } = recorder
  return { unknown, record: { number, reads, ranges, steps, events, notBefore: 0 } }
}

/** Melds one transaction, in a frame of its own. */
function meld(transaction: TransactionRecord): Evaluation {
  let decided: Evaluation | undefined
  const origin = state.origins.get(1)
  const observer = {
    decided: (_: number, __: unknown, ___: number, it: Evaluation) => {
      decided = it
    },
  }
  const one = new Melder(state, () => [], {
    ...observer,
    changed: (write, before) => {
      changes.push({ write, before })
      if (write.archived && before) store.values.set(write.key, before)
      else if (write.cache === layout().number) store.values.delete(write.key)
    },
  })
  const id = (origin?.lastFrame ?? 0) + 1
  one.meld(
    {
      ...{ kind: FrameKind.transactions, origin: 1, id, previous: id - 1, deadline: 1e9 },
      ...{ transactions: [transaction], parts: 0 },
    },
    state.position + 1,
    state.position + 1,
  )
  if (!decided) throw new Error('it was not accepted')
  return decided
}

const run = (handler: (tx: Transaction) => void) => meld(record(handler).record).outcome

function leave(key: string): Evaluation {
  const version = state.find(layout().number, key)?.version ?? 0
  const reads = [{ cache: layout().number, key, version }]
  const steps = archivingSteps(state.layout, layout(), key)
  return meld({ number: ++number, reads, ranges: [], steps, events: [], notBefore: 0 })
}

const closed = (id: string, count = 1) => ({ id, status: 'closed', closedAt: 5, count }) as const

describe('an entry that has left memory', () => {
  beforeEach(() => {
    run((tx) => tx.put(orders, closed('a')))
    expect(leave('a').outcome).toBe('applied')
  })

  test('is out of memory, and the change says what it was', () => {
    expect(state.find(layout().number, 'a')).toBeUndefined()
    const left = changes.find(({ write }) => write.archived)
    expect(left).toMatchObject({ write: { key: 'a', value: undefined }, before: closed('a') })
  })

  test('is given to a handler that gets it, and comes back when it is written', () => {
    let seen: unknown
    const { record: looks } = record((tx) => {
      seen = tx.get(orders, 'a')
    })
    expect(seen).toEqual(closed('a'))
    expect(looks.reads).toHaveLength(2)
    expect(
      run((tx) => tx.put(orders, { ...(tx.get(orders, 'a') as Value), status: 'open' } as never)),
    ).toBe('applied')
    expect(state.find(layout().number, 'a')?.value).toMatchObject({ status: 'open', count: 1 })
  })

  test('is brought back by an operation', () => {
    expect(run((tx) => void tx.increment(orders, 'a', 'count', 2))).toBe('applied')
    expect(state.find(layout().number, 'a')?.value).toMatchObject({ count: 3 })
    expect(run((tx) => void tx.increment(orders, 'b', 'count', 2))).toBe('refused')
    expect(
      run((tx) => void tx.increment(orders, 'b', 'count', 2, { initial: closed('b', 0) })),
    ).toBe('applied')
  })

  test('is deleted where it is', () => {
    changes.length = 0
    expect(run((tx) => tx.delete(orders, 'a'))).toBe('applied')
    expect(changes).toContainEqual({
      write: expect.objectContaining({ key: 'a', value: undefined }),
      before: undefined,
    })
    expect(store.values.size).toBe(0)
    let seen: unknown = 'nothing seen'
    record((tx) => {
      tx.put(orders, closed('c'))
      tx.delete(orders, 'a')
      seen = tx.get(orders, 'a')
    })
    expect(seen).toBeUndefined()
  })

  test('is peeked at and found by ranges only in memory', () => {
    record((tx) => expect(tx.peek(orders, 'a')).toBeUndefined())
  })

  // What the store has said stands only as long as nothing of the bucket has left or been deleted.
  test('is not seen as it was: it came back, was changed and left again', () => {
    const { record: late } = record((tx) => {
      const order = tx.get(orders, 'a') as Value
      tx.put(orders, { ...order, count: (order.count as number) + 10 } as never)
    })
    run((tx) => tx.put(orders, closed('a', 50)))
    expect(meld(late).outcome).toBe('collided')
    leave('a')
    expect(meld({ ...late, number: ++number }).outcome).toBe('collided')
    expect(store.values.get('a')).toEqual(closed('a', 50))
  })

  test('is not seen when it was deleted in between', () => {
    const { record: late } = record((tx) =>
      tx.put(orders, { ...(tx.get(orders, 'a') as never as object), status: 'open' } as never),
    )
    run((tx) => tx.delete(orders, 'a'))
    expect(meld(late).outcome).toBe('collided')
  })
})

test('an operation on what is in memory collides when that leaves', () => {
  run((tx) => tx.put(orders, closed('a')))
  const refused = record((tx) => void tx.increment(orders, 'a', 'count', 1)).record
  const begun = record(
    (tx) => void tx.increment(orders, 'a', 'count', 1, { initial: closed('a', 100) }),
  ).record
  leave('a')
  expect(meld(refused).outcome).toBe('collided')
  expect(meld(begun).outcome).toBe('collided')
})

test('an operation on what is only pending collides when that does not come', () => {
  run((tx) => tx.put(orders, closed('a')))
  leave('a')
  const pending = new Overlay(state)
  const back = record((tx) =>
    tx.put(orders, { ...(tx.get(orders, 'a') as never as object), status: 'open' } as never),
  )
  pending.write(layout().number, 'a', { ...closed('a'), status: 'open' }, 77)
  const options = { id: ++number, now: 0, newId: () => 'new', archive: store }
  const recorder = new Recorder(pending, options)
  recorder.increment(orders, 'a', 'count', 1)
  const { reads, ranges, steps, events } = recorder
  expect(back.record.steps).toHaveLength(1)
  const chained = { number, reads, ranges, steps, events, notBefore: 0 }
  // What it was pending on has collided.
  expect(meld(chained).outcome).toBe('collided')
})

test('what is not known is told, and nobody asks for anything in other caches', () => {
  const ignorant: KnownArchive = { find: () => undefined, isInMemory: () => true }
  const { unknown } = record((tx) => {
    tx.get(plain, 'a')
    tx.get(orders, 'a')
    tx.put(orders, closed('c'))
    tx.increment(orders, 'c', 'count', 1)
    tx.get(orders, 'c')
    tx.increment(orders, 'b', 'count', 1)
  }, ignorant)
  expect(unknown.map(({ key }) => key)).toEqual(['a', 'b'])
})

test('only what may leave leaves, once, and when nobody has written it since', () => {
  run((tx) => tx.put(orders, closed('a')))
  run((tx) => tx.put(plain, { id: 'a' }))
  const version = state.find(layout().number, 'a')?.version ?? 0
  run((tx) => tx.put(orders, closed('a', 2)))
  const steps = archivingSteps(state.layout, layout(), 'a')
  const late = {
    reads: [{ cache: layout().number, key: 'a', version }],
    ranges: [],
    steps,
    events: [],
  }
  expect(meld({ ...late, number: ++number, notBefore: 0 }).outcome).toBe('collided')
  const ofPlain = [{ kind: StepKind.archive, cache: layout().number + 1, key: 'a' }]
  const unsound = {
    number: ++number,
    reads: [],
    ranges: [],
    steps: ofPlain,
    events: [],
    notBefore: 0,
  }
  expect(isSound(state.layout, unsound)).toBe(false)
  expect(evaluate(state, unsound, 1, 1)).toMatchObject({ fault: 'unsound' })
  expect(leave('a').outcome).toBe('applied')
  changes.length = 0
  expect(leave('a').outcome).toBe('applied')
  expect(changes.some(({ write }) => write.archived)).toBe(false)
})

describe('the definition', () => {
  test('has an index of what is to leave, and the grid’s own cache behind all others', () => {
    const { caches } = shapeOf(space)
    expect(caches.map(({ name }) => name)).toEqual([
      '_idempotency',
      '_parts',
      'orders',
      'plain',
      '_archived',
    ])
    expect(caches[2]?.indexes).toEqual([{ name: '_archive', fields: ['status', 'closedAt'] }])
    expect(mayArchive(shapeOf(defineSpace('s', { caches: [plain] })))).toBe(false)
    const before = shapeOf(defineSpace('shop', { caches: [plain] }))
    const grown = mergeShapes(before, shapeOf(space))
    expect(grown.caches.map(({ name }) => name)).toEqual([
      '_idempotency',
      '_parts',
      'plain',
      'orders',
      '_archived',
    ])
    expect(mergeShapes(grown, before)).toBe(grown)
  })

  test('mistakes are told', () => {
    const schema = Type.Object({ id: Type.String(), at: Type.Integer(), open: Type.Boolean() })
    const define = (archive: unknown, more: object = {}) =>
      defineCache('c', { schema, key: 'id', archive, ...more } as never)
    expect(() => define({ after: 'id', ms: 1 })).toThrow(
      'after must name a field that holds a number',
    )
    expect(() => define({ after: 'at', ms: -1 })).toThrow('ms must be an integer')
    expect(() => define({ after: 'at', ms: 1, when: { gone: true } })).toThrow('unknown field gone')
    expect(() => define({ after: 'at', ms: 1, when: { open: 'yes' } })).toThrow(
      'can never be "yes"',
    )
    expect(() => define({ after: 'at', ms: 1, when: { open: [] } })).toThrow('equals nothing')
    expect(() => define({ after: 'at', ms: 1 }, { expiry: 'at' })).toThrow('entries that expire')
    expect(define({ after: 'at', ms: 1, when: { open: false } }).archive).toEqual({
      ...{ after: 'at', ms: 1, when: { open: [false] } },
    })
  })

  test('keys of one bucket are few', () => {
    const buckets = new Set(
      Array.from({ length: 5000 }, (_, at) => archiveBucketOf(layout(), `k${at}`)),
    )
    expect(buckets.size).toBeGreaterThan(1000)
    expect(buckets.size).toBeLessThanOrEqual(1024)
  })
})
