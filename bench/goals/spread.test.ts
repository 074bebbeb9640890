import { expect, it } from 'vitest'
import { ratioOf, short, spreadOf, spreadText } from './spread.ts'

it('takes the middle of the rounds, and keeps the least and the greatest', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
  expect(spreadOf([4, 2])).toEqual({ median: 3, min: 2, max: 4 })
})

it('compares round by round, not median by median', () => {
  // The machine was ten times slower in the second round, for both alike.
  expect(ratioOf([20, 2, 18], [10, 1, 10])).toEqual({ median: 2, min: 1.8, max: 2 })
})

it('shows no digits that do not count, and nothing where nothing was measured', () => {
  expect(spreadText(spreadOf([12_345.6, 0.123_456, 9.876]))).toBe('9.88 (0.123..12,346)')
  expect(short(spreadOf([]).median)).toBe('–')
})
