import { expect, test } from 'vitest'
import { numberArrays } from '../../core/number-arrays.ts'
import { fromTagged, toTagged } from './tagged-json.ts'

test('all data comes back as it was, what only looks like a mark too', () => {
  const arrays = numberArrays.map((array) => new array([1, 2, 3]))
  const data = {
    ...{ text: 'ä', none: null, list: [1, [true, { a: -0.5 }]], when: new Date(5), arrays },
    ...{ $date: 'not one', $$: { $numbers: [0, 'AA=='], $$date: new Date(0) }, empty: {} },
  }
  const text = JSON.stringify(toTagged(data))
  expect(fromTagged(JSON.parse(text))).toEqual(data)
})

test.each([
  { $date: 'soon' },
  { $date: 5 },
  { $numbers: [99, 'AA=='] },
  { $numbers: [8, 'AA=='] },
  { $other: 1 },
  { a: 1, $date: '2026-01-01T00:00:00.000Z' },
])('what means nothing is refused: %j', (data) => {
  expect(() => fromTagged({ data })).toThrow(/means nothing/)
})
