import { expect, test } from 'vitest'
import { logNamesOfAll, namedSpaces, spacesText, streamShare } from './named-spaces.ts'

test('SPACES names spaces, and how many partitions they have', () => {
  const spaces = namedSpaces('ticketing:3,auction')
  expect(spaces).toEqual([
    { name: 'ticketing', partitions: 3 },
    { name: 'auction', partitions: 1 },
  ])
  expect(logNamesOfAll(spaces)).toEqual(['ticketing.0', 'ticketing.1', 'ticketing.2', 'auction'])
  expect(spacesText(spaces)).toBe('ticketing:3,auction')
  expect(spacesText(namedSpaces('auction:1'))).toBe('auction')
})

test('partitions share the room of their space, and each has some', () => {
  const mebibyte = 1024 * 1024
  expect(streamShare(8 * 1024 * mebibyte, 1)).toBe(8 * 1024 * mebibyte)
  expect(streamShare(8 * 1024 * mebibyte, 16)).toBe(512 * mebibyte)
  expect(streamShare(8 * mebibyte, 16)).toBe(mebibyte)
})
