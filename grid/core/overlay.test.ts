import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IndexRange, Value } from './data-types.ts'
import type { EntryView } from './entry.ts'
import { IndexOrder } from './index-order.ts'
import { Overlay } from './overlay.ts'
import { initialShape, mergeShapes, type SpaceShape } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { absentVersion } from './version.ts'
import { collect, type View } from './view.ts'

const seats = initialShape.caches.length
const byState = 0
const byRow = 1

const shape: SpaceShape = {
  caches: [
    ...initialShape.caches,
    {
      name: 'seats',
      key: 'id',
      indexes: [
        { name: 'byState', fields: ['state', 'price'] },
        { name: 'byRow', fields: ['row'] },
      ],
      expiry: undefined,
    },
  ],
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

/** Without a price or a row an entry is missing from the index over it. */
const seat = (key: string): fc.Arbitrary<Value> =>
  fc.record(
    {
      id: fc.constant(key),
      state: fc.constantFrom('free', 'held'),
      price: fc.integer({ min: 1, max: 3 }),
      row: fc.constantFrom(1, 2, '2', true),
    },
    { requiredKeys: ['id', 'state'] },
  )

/** One change of one layer; 0 is the state below all overlays. */
interface Change {
  readonly layer: number
  readonly key: string
  readonly value: Value | undefined
  /** Uncovers instead: if the layer still has the version written so many changes ago. */
  readonly settle: number | undefined
}

const change: fc.Arbitrary<Change> = fc.constantFrom(...keys).chain((key) =>
  fc.record({
    layer: fc.nat({ max: 3 }),
    key: fc.constant(key),
    value: fc.option(seat(key), { nil: undefined, freq: 4 }),
    settle: fc.option(fc.nat({ max: 6 }), { nil: undefined, freq: 3 }),
  }),
)

const range: fc.Arbitrary<{ index: number; range: IndexRange }> = fc.oneof(
  fc.record({
    index: fc.constant(byState),
    range: fc.record(
      {
        equals: fc.constantFrom([], ['free'], ['held'], ['free', 2]),
        reverse: fc.boolean(),
        limit: fc.integer({ min: 0, max: 5 }),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    index: fc.constant(byRow),
    range: fc.record(
      {
        from: fc.constantFrom(1, 2),
        before: fc.constantFrom(2, '3'),
        reverse: fc.boolean(),
        limit: fc.integer({ min: 1, max: 5 }),
      },
      { requiredKeys: [] },
    ),
  }),
)

type Layer = Map<string, { value: Value | undefined; version: number }>

/** What the topmost layer shows: the first layer from above that has the key decides. */
function flat(layers: readonly Layer[]): Map<string, EntryView> {
  const shown = new Map<string, EntryView>()
  for (const key of keys) {
    const found = layers.findLast((layer) => layer.has(key))?.get(key)
    if (found?.value)
      shown.set(key, { key, keyHash: 0, value: found.value, version: found.version })
  }
  return shown
}

function expectedRange(
  shown: ReadonlyMap<string, EntryView>,
  order: IndexOrder,
  range: IndexRange,
): string[] {
  const inside = [...shown.values()]
    .filter(({ value }) => order.covers(value))
    .filter(({ value }) => !order.isBefore(value, range) && !order.isBehind(value, range))
    .sort((a, b) => order.compare(a, b) * (range.reverse ? -1 : 1))
  return inside.slice(0, range.limit).map(({ key, version }) => `${key}@${version}`)
}

describe('overlays', () => {
  test('show what a flat copy would, however many lie on each other and whichever changes', () => {
    const history = fc.record({
      changes: fc.array(change, { maxLength: 40, size: 'max' }),
      reads: fc.array(range, { minLength: 1, maxLength: 4 }),
      layerCount: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(history, ({ changes, reads, layerCount }) => {
        const state = new SpaceState(shape)
        const views: (SpaceState | Overlay)[] = [state]
        for (let i = 1; i < layerCount; i++) views.push(new Overlay(views[i - 1] as View))
        const model: Layer[] = views.map(() => new Map())
        const top = views.at(-1) as View
        const check = () => {
          const shown = flat(model)
          for (const key of keys) {
            const entry = top.find(seats, key)
            expect(entry?.value).toEqual(shown.get(key)?.value)
            expect(entry?.version).toBe(shown.get(key)?.version)
          }
          for (const { index, range } of reads) {
            const order = state.layout.cache(seats).orders[index] as IndexOrder
            const found = collect(top, seats, index, range).map((e) => `${e.key}@${e.version}`)
            expect(found).toEqual(expectedRange(shown, order, range))
          }
        }
        changes.forEach(({ layer, key, value, settle }, i) => {
          const version = i + 1
          const at = layer % layerCount
          const view = views[at]
          const own = model[at] as Layer
          if (view instanceof SpaceState) {
            view.write(seats, key, value, version, 1)
            own.set(key, { value, version })
          } else if (view && settle !== undefined) {
            const was = own.get(key)
            const wanted = value === undefined ? absentVersion : Math.max(1, version - settle)
            view.settle(seats, key, wanted)
            if (was && (was.value === undefined ? absentVersion : was.version) === wanted)
              own.delete(key)
          } else if (view) {
            view.write(seats, key, value, version)
            own.set(key, { value, version })
          }
          check()
        })
        check()
        views.forEach((view, at) => {
          if (!(view instanceof Overlay)) return
          const own = model[at] as Layer
          expect(view.changedIn(seats)).toBe(own.size)
          expect(view.isEmpty).toBe(own.size === 0)
          for (const key of keys) expect(view.covers(seats, key)).toBe(own.has(key))
          view.clear()
          own.clear()
        })
        check()
      }),
      { numRuns: 250 },
    )
  })

  test('fill a limited range from below when their own entries are hidden in turn', () => {
    const state = new SpaceState(shape)
    const pending = new Overlay(state)
    const own = new Overlay(pending)
    for (const id of keys) pending.write(seats, id, { id, state: 'free', price: 1 }, 1)
    for (const id of ['a', 'b', 'c']) own.write(seats, id, undefined, 2)
    const first = collect(own, seats, byState, { equals: ['free'], limit: 2 })
    expect(first.map(({ key }) => key)).toEqual(['d', 'e'])
  })

  test('read only the entries they need of a limited range', () => {
    const state = new SpaceState(shape)
    const pending = new Overlay(state)
    const price = 1
    for (let n = 0; n < 5000; n++)
      pending.write(seats, `k${n}`, { id: `k${n}`, state: 'free', price }, 1)
    let looked = 0
    class Counting extends IndexOrder {
      override isBehind(value: Value, range: IndexRange): boolean {
        looked++
        return super.isBehind(value, range)
      }
    }
    const counting = new Counting(['state', 'price'])
    Object.defineProperty(state.layout.cache(seats), 'orders', { value: [counting] })
    expect(collect(pending, seats, byState, { limit: 3 }).length).toBe(3)
    expect(looked).toBeLessThan(20)
  })

  test('go on when the space gains an index or a cache below them', () => {
    const state = new SpaceState(shape)
    const overlay = new Overlay(state)
    overlay.write(seats, 'a', { id: 'a', state: 'free', price: 5 }, 1)
    const extended = shape.caches.map((cache, number) =>
      number === seats
        ? { ...cache, indexes: [...cache.indexes, { name: 'byPrice', fields: ['price'] }] }
        : cache,
    )
    const later = { name: 'later', key: 'id', indexes: [], expiry: undefined }
    state.reshape(mergeShapes(state.layout.shape, { caches: [...extended, later] }))
    state.write(seats, 'b', { id: 'b', state: 'free', price: 4 }, 2, 1)
    expect(collect(overlay, seats, 2, {}).map(({ key }) => key)).toEqual(['b', 'a'])
    overlay.write(seats + 1, 'x', { id: 'x' }, 3)
    expect(overlay.find(seats + 1, 'x')?.version).toBe(3)
  })

  test('keep what hides an entry until just that version has settled', () => {
    const state = new SpaceState(shape)
    const overlay = new Overlay(state)
    overlay.write(seats, 'a', { id: 'a', state: 'held' }, 1)
    overlay.write(seats, 'a', { id: 'a', state: 'free' }, 2)
    overlay.settle(seats, 'a', 1)
    overlay.settle(seats, 'b', 1)
    expect(overlay.find(seats, 'a')?.version).toBe(2)
    overlay.write(seats, 'a', undefined, 3)
    overlay.settle(seats, 'a', 2)
    expect(overlay.covers(seats, 'a')).toBe(true)
    overlay.settle(seats, 'a', absentVersion)
    expect(overlay.isEmpty).toBe(true)
  })
})
