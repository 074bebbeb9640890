import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readOnly } from './read-only.ts'

class Tally {
  votes = 1
  list = [1]
  vote() {
    this.votes++
  }
  get double() {
    return this.votes * 2
  }
}

const model = () => ({
  count: 1,
  rows: [{ n: 1 }, { n: 2 }],
  byKey: new Map([['a', { list: [3, 1, 2] }]]),
  seen: new Set(['x']),
  at: new Date(5),
  bytes: new Uint8Array([1, 2]),
  fixed: Object.freeze({ inside: ['z'] }),
  tally: new Tally(),
})

type Model = ReturnType<typeof model>

describe('a view of a model', () => {
  test('reads like the model', () => {
    const view = readOnly(model())
    expect(JSON.stringify(view)).toBe(JSON.stringify(model()))
    expect([...view.byKey]).toEqual([['a', { list: [3, 1, 2] }]])
    expect([...view.byKey.values()].map(({ list }) => list.length)).toEqual([3])
    expect(view.rows.map(({ n }) => n).toSorted()).toEqual([1, 2])
    expect([view.seen.has('x'), view.seen.size, view.byKey.get('b')]).toEqual([true, 1, undefined])
    expect({ ...view.rows[0] }).toEqual({ n: 1 })
    expect([view.tally.double, view.tally instanceof Tally]).toEqual([2, true])
    expect(view.rows).toBe(view.rows)
    expect([view.at.getTime(), view.bytes[1], Array.isArray(view.rows)]).toEqual([5, 2, true])
    expect('count' in view && Object.keys(view).length).toBe(8)
  })

  test.each<[string, (view: Model) => unknown]>([
    ['a field', (view) => Object.assign(view, { count: 2 })],
    ['a list', (view) => view.rows.push({ n: 3 })],
    ['an order', (view) => view.rows.sort()],
    ['an item', (view) => Object.assign(view.rows[0] as object, { n: 9 })],
    ['a map', (view) => view.byKey.set('b', { list: [] })],
    ['a map through its class', (view) => Map.prototype.clear.call(view.byKey)],
    ['what is in a map', (view) => view.byKey.get('a')?.list.sort()],
    ['what a map iterates', (view) => [...view.byKey.values()][0]?.list.pop()],
    ['what a map hands to a callback', (view) => view.byKey.forEach(({ list }) => void list.pop())],
    [
      'the map handed to a callback',
      (view) => view.byKey.forEach((_, __, map) => void map.clear()),
    ],
    ['a set', (view) => view.seen.add('y')],
    ['what is frozen, inside', (view) => view.fixed.inside.push('y')],
    ['an instance', (view) => view.tally.vote()],
    ['a member', (view) => Reflect.deleteProperty(view, 'count') || expect.unreachable()],
    ['a prototype', (view) => Object.setPrototypeOf(view, null)],
    ['an accessor', (view) => Object.defineProperty(view, 'count', { value: 3 })],
  ])('refuses a change of %s', (_, change) => {
    const original = model()
    expect(() => change(readOnly(original))).toThrow(TypeError)
    expect(isDeepStrictEqual(original, model())).toBe(true)
  })

  test('leaves dates and bytes as they are, for it shows copies', () => {
    const original = model()
    readOnly(original).at.setTime(7)
    readOnly(original).bytes[0] = 9
    expect(isDeepStrictEqual(original, model())).toBe(true)
  })

  test('shows whatever it is of', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(JSON.stringify(readOnly(json))).toBe(JSON.stringify(json))
      }),
      { numRuns: 300 },
    )
  })
})
