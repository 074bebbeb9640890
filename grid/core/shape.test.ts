import { describe, expect, test } from 'vitest'
import { checkedWholeShape } from '../engine/wire/shape-codec.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { isGridError } from './errors.ts'
import { FrameKind } from './frame.ts'
import { Layout } from './layout.ts'
import { Melder } from './meld.ts'
import {
  expiryIndex,
  idempotencyCache,
  idempotencyCacheNumber,
  initialShape,
  mergeShapes,
  partsCache,
  partsCacheNumber,
  type SpaceShape,
  shapeOf,
} from './shape.ts'
import { SpaceState } from './space-state.ts'
import type { CacheOptions } from './transaction.ts'

const schema = Type.Object({
  id: Type.String(),
  other: Type.String(),
  n: Type.Number(),
  until: Type.Number(),
  end: Type.Number(),
})
type Options = Partial<CacheOptions<typeof schema, Record<string, ('n' | 'end')[]>>>

const cache = (name: string, options: Options = {}) =>
  defineCache(name, { schema, key: 'id', ...options })
const shapeWith = (...caches: ReturnType<typeof cache>[]) =>
  shapeOf(defineSpace('test', { caches }))

const seats = shapeWith(cache('seats', { indexes: { byN: ['n'] } }))

describe('the shape of a space', () => {
  test("holds the grid's own caches first, under the numbers that frames use", () => {
    const layout = new Layout(seats)
    expect(layout.named(idempotencyCache)?.number).toBe(idempotencyCacheNumber)
    expect(layout.named(partsCache)?.number).toBe(partsCacheNumber)
    expect(layout.named('seats')?.number).toBe(2)
    expect(layout.named('seats')?.indexNumber('byN')).toBe(0)
    expect(layout.named('seats')?.indexNumber('other')).toBe(undefined)
    expect(() => layout.cache(3)).toThrow('no cache has number 3')
  })

  test('has an index over the expiry, behind the others', () => {
    const shape = shapeWith(cache('seats', { indexes: { byN: ['n'] }, expiry: 'until' }))
    expect(shape.caches[2]).toEqual({
      name: 'seats',
      key: 'id',
      indexes: [
        { name: 'byN', fields: ['n'] },
        { name: expiryIndex, fields: ['until'] },
      ],
      expiry: 'until',
      fields: ['end:number', 'id:string', 'n:number', 'other:string', 'until:number'],
    })
  })
})

describe('merged shapes', () => {
  test('are the present one itself when nothing is new', () => {
    expect(mergeShapes(seats, shapeWith(cache('seats', { indexes: { byN: ['n'] } })))).toBe(seats)
    expect(mergeShapes(seats, shapeWith(cache('seats')))).toBe(seats)
    expect(mergeShapes(seats, initialShape)).toBe(seats)
  })

  test('keep what is there in its place and add the rest behind, in whatever order it is asked for', () => {
    const wanted = shapeWith(
      cache('before'),
      cache('seats', { indexes: { byEnd: ['end'], byN: ['n'] }, expiry: 'until' }),
    )
    const merged = mergeShapes(seats, wanted)
    expect(merged.caches.map(({ name }) => name).slice(2)).toEqual(['seats', 'before'])
    const indexes = merged.caches[2]?.indexes.map(({ name }) => name)
    expect(indexes).toEqual(['byN', 'byEnd', expiryIndex])
    expect(merged.caches[2]?.expiry).toBe('until')
    expect(mergeShapes(merged, wanted)).toBe(merged)
    expect(mergeShapes(merged, seats)).toBe(merged)
  })

  const full = shapeWith(cache('seats', { indexes: { byN: ['n'] }, expiry: 'until' }))

  test.each<[string, SpaceShape]>([
    ['primary key is id', shapeWith(cache('seats', { key: 'other' }))],
    ['index byN is n', shapeWith(cache('seats', { indexes: { byN: ['n', 'end'] } }))],
    ['expiry field is until', shapeWith(cache('seats', { expiry: 'end' }))],
  ])('contradict each other where the %s', (what, wanted) => {
    const merge = () => mergeShapes(full, wanted)
    let error: unknown
    try {
      merge()
    } catch (thrown) {
      error = thrown
    }
    expect(isGridError(error, 'definition_conflict')).toBe(true)
    expect(error).toMatchObject({ details: { cache: 'seats' } })
    expect(merge).toThrow(`${what} in the log`)
  })

  const withCaches = (prefix: string, count: number, indexes = 0): SpaceShape => ({
    caches: Array.from({ length: count }, (_, i) => ({
      name: `${prefix}${i}`,
      key: 'id',
      indexes: Array.from({ length: indexes }, (_, j) => ({
        name: `by${count}x${indexes}x${j}`,
        fields: ['n'],
      })),
      expiry: undefined,
    })),
  })

  // What a copy of it may have is bounded: beyond, nobody who joins could read one.
  test.each([
    ['caches', withCaches('a', 5000), withCaches('b', 4998), withCaches('c', 1)],
    ['indexes', withCaches('a', 1, 400), withCaches('a', 1, 600), withCaches('a', 1, 2)],
  ])(
    'come to no more %s than one may have; beyond, every replica refuses alike',
    (_, ...shapes) => {
      const [one, two, more] = shapes.map((shape) => ({ kind: FrameKind.shape, shape }) as const)
      const [state, other] = [new SpaceState(), new SpaceState()]
      for (const melder of [new Melder(state, () => []), new Melder(other, () => [])]) {
        expect([one, two].map((frame, i) => frame && melder.meld(frame, i + 1, 5))).toEqual([
          true,
          true,
        ])
        const { shape } = melder.state.layout
        expect(() => checkedWholeShape(shape)).not.toThrow()
        expect(more && melder.meld(more, 3, 5)).toBe(false)
        expect(melder.state.layout.shape).toBe(shape)
      }
      expect(state.layout.shape).toEqual(other.layout.shape)
    },
  )

  // architecture.md, invariant 1
  test('are refused as a whole, alike by every replica, when they contradict in one cache', () => {
    const state = new SpaceState(full)
    const melder = new Melder(state, () => [])
    const shape = shapeWith(cache('added'), cache('seats', { key: 'other' }))
    expect(melder.meld({ kind: FrameKind.shape, shape }, 1, 5)).toBe(false)
    expect([state.layout.shape, state.position, state.time]).toEqual([full, 1, 5])
    expect(melder.meld({ kind: FrameKind.shape, shape: shapeWith(cache('added')) }, 2, 5)).toBe(
      true,
    )
    expect(state.layout.named('added')?.number).toBe(3)
  })
})

test('a cache may have any number of indexes, each kept apart', () => {
  const fields = Array.from({ length: 70 }, (_, i) => `f${i}`)
  const indexes = fields.map((field) => ({ name: field, fields: [field] }))
  const many = { name: 'many', key: 'id', indexes, expiry: undefined }
  const state = new SpaceState({ caches: [...initialShape.caches, many] })
  const value = (n: number) => Object.fromEntries(fields.map((field, i) => [field, (n * i) % 7]))
  for (let round = 0; round < 4; round++)
    for (let n = 0; n < 10; n++)
      state.write(2, `k${n}`, round === 3 ? undefined : value(n + round), n + round, 1)
  expect([state.entryCount, fields.flatMap((_, i) => scanned(state, i))]).toEqual([0, []])

  state.write(2, 'a', { ...value(1), f33: 1, f65: 1 }, 1, 1)
  state.write(2, 'a', { ...value(1), f33: 1, f65: 2 }, 2, 1)
  expect(fields.map((_, i) => scanned(state, i).length)).toEqual(fields.map(() => 1))
})

function scanned(state: SpaceState, index: number): string[] {
  const keys: string[] = []
  state.scan(2, index, {}, ({ key }) => keys.push(key) > 0)
  return keys
}
