import { expect, test } from 'vitest'
import { queryString } from './query-string.ts'

test.each([
  [{}, ''],
  [{ id: 'a b&c', limit: 2, open: true }, '?id=a+b%26c&limit=2&open=true'],
  [{ ids: ['a', 'b'], none: undefined }, '?ids=a&ids=b'],
  [
    { deep: { a: [1] }, list: [{ b: 2 }] },
    '?deep=%7B%22a%22%3A%5B1%5D%7D&list=%5B%7B%22b%22%3A2%7D%5D',
  ],
])('%o is written %s', (input, text) => {
  expect(queryString(input)).toBe(text)
})
