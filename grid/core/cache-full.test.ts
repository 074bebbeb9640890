import { afterEach, expect, test, vi } from 'vitest'
import { CacheState } from './cache-state.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import type { Evaluation } from './evaluation.ts'
import { FrameKind } from './frame.ts'
import { Melder } from './meld.ts'
import { shapeOf } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { type Step, StepKind } from './steps.ts'

const things = defineCache('things', {
  schema: Type.Object({ id: Type.String(), n: Type.Integer() }),
  key: 'id',
  indexes: { byN: ['n'] },
})
const cache = 2
const room = 3

afterEach(() => vi.restoreAllMocks())

/** The engine's limit, brought forward. */
function limitMaps(): void {
  const set = Map.prototype.set
  vi.spyOn(Map.prototype, 'set').mockImplementation(function (this: Map<unknown, unknown>, key, v) {
    const isThing = typeof key === 'string' && key.startsWith('thing ')
    if (isThing && this.size >= room && !this.has(key)) throw new RangeError('Map maximum size')
    return set.call(this, key, v)
  })
}

test('a transaction that finds no room for an entry is refused as a whole, and nothing is left of it', () => {
  const state = new SpaceState(shapeOf(defineSpace('s', { caches: [things] })))
  const changed: string[] = []
  const decided: Evaluation[] = []
  const melder = new Melder(state, () => [], {
    changed: ({ key }) => changed.push(key),
    decided: (_index, _transaction, _id, evaluation) => decided.push(evaluation),
  })
  melder.meld({ kind: FrameKind.join, unit: 'u', nonce: 1 }, 1, 1)
  let frames = 0
  const meld = (...steps: Step[]): Evaluation => {
    frames++
    const link = { origin: 1, id: frames, previous: frames - 1, deadline: 99 }
    const transaction = { number: frames, steps, reads: [], ranges: [], events: [], notBefore: 0 }
    melder.meld(
      { kind: FrameKind.transactions, ...link, transactions: [transaction], parts: 0 },
      frames + 1,
      1,
    )
    return decided.at(-1) as Evaluation
  }
  const put = (id: string, n: number): Step => {
    return { kind: StepKind.put, cache, key: id, value: { id, n } }
  }
  const remove = (key: string): Step => ({ kind: StepKind.delete, cache, key })
  limitMaps()
  for (let n = 0; n < room; n++) meld(put(`thing ${n}`, n))
  const full = { outcome: 'refused', fault: 'cache_full', details: { cache: 'things' } }

  const digest = state.digest.toString()
  const before = [...state.cache(cache).entries.values()].map((entry) => ({ ...entry }))
  changed.length = 0
  expect(meld(put('thing x', 1))).toMatchObject(full)
  expect(
    meld(put('thing 0', 9), remove('thing 1'), put('thing y', 1), put('thing z', 1)),
  ).toMatchObject(full)
  expect(changed).toEqual([])
  expect(state.digest.toString()).toBe(digest)
  const after = [...state.cache(cache).entries.values()].map((entry) => ({ ...entry }))
  expect(after.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(before)
  const order: string[] = []
  state.scan(cache, 0, {}, ({ key }) => order.push(key) > 0)
  expect(order).toEqual(['thing 0', 'thing 1', 'thing 2'])

  expect(meld(put('thing 0', 8), remove('thing 1'), put('thing y', 1))).toMatchObject({
    outcome: 'applied',
  })
  expect(changed).toEqual(['thing 0', 'thing 1', 'thing y'])
})

test('the limit of a cache is its own, below the one of the engine', () => {
  const state = new SpaceState(shapeOf(defineSpace('s', { caches: [things] })))
  vi.spyOn(state.cache(cache).entries, 'size', 'get').mockReturnValue(16_000_000)
  expect(state.cache(cache)).toBeInstanceOf(CacheState)
  expect(() => state.write(cache, 'thing', { id: 'thing', n: 1 }, 1, 1)).toThrow(
    'cache things has as many entries as it can hold',
  )
})
