import { expect, test } from 'vitest'
import { dashed, sortedLogNames, undashed } from './log-name.ts'

test('where no dot may be there is a dash, and back', () => {
  expect(dashed('ticketing.7')).toBe('ticketing-7')
  expect(undashed('ticketing-7')).toBe('ticketing.7')
  expect(undashed(dashed('ticketing'))).toBe('ticketing')
})

test('partitions are in the order of their numbers', () => {
  const names = ['b', 'a.10', 'a.2', 'a', 'B.1']
  expect(sortedLogNames(names)).toEqual(['B.1', 'a', 'a.2', 'a.10', 'b'])
})
