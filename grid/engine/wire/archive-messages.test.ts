import { describe, expect, test } from 'vitest'
import { decodeEntryAsked, decodeRangeAsked, rangeLimitMax } from './archive-messages.ts'
import { packMessage } from './sealed-message.ts'

const refused = expect.objectContaining({ code: 'record_damaged' })
const ask = (given: object) => {
  const sound = { cache: 'orders', fields: ['customer', 'at'], range: {}, limit: 10, beyond: null }
  const { cache, fields, range, limit, beyond } = { ...sound, ...given }
  return decodeRangeAsked(packMessage(1, [cache, fields, range, limit, beyond]))
}

describe('a range that is asked of the store', () => {
  test('is what was asked', () => {
    const range = { equals: ['ann'], from: 5, before: 9, reverse: true }
    expect(ask({ range, beyond: [['ann', 7], 'key'] })).toEqual({
      ...{ cache: 'orders', fields: ['customer', 'at'], range, limit: 10 },
      beyond: { values: ['ann', 7], key: 'key' },
    })
  })

  test.each([
    ['an operator of MongoDB to be equal to', { range: { equals: [{ $ne: null }] } }],
    ['a pattern as a bound', { range: { from: { $regex: '(a+)+$' } } }],
    ['an operator to go on behind', { beyond: [['ann', { $gt: '' }], 'key'] }],
    ['a list as a bound', { range: { to: [1] } }],
    ['no limit', { limit: 0 }],
    ['a limit beyond all', { limit: rangeLimitMax + 1 }],
    ['no fields', { fields: [] }],
    ['a collection that is no cache', { cache: '_checkpoints.x' }],
  ])('is refused with %s', (_, given) => {
    expect(() => ask(given)).toThrow(refused)
  })
})

test('an entry is asked of a cache', () => {
  expect(() => decodeEntryAsked(packMessage(1, ['a.b', 'key']))).toThrow(refused)
})
