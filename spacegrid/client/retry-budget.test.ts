import { expect, test } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

const failed = (budget: RetryBudget, times: number) => {
  for (let n = 0; n < times; n++) budget.failed()
}
const answered = (budget: RetryBudget, times: number) => {
  for (let n = 0; n < times; n++) budget.answered()
}

test('with half of the tokens gone nothing is tried again, until enough was answered', () => {
  const budget = new RetryBudget(10)
  failed(budget, 4)
  expect(budget.allows).toBe(true)
  failed(budget, 1)
  expect(budget.allows).toBe(false)
  answered(budget, 5)
  expect(budget.allows).toBe(true)
})

test('however long a grid is down, or up, tokens stay between none and all', () => {
  const budget = new RetryBudget(10)
  failed(budget, 1000)
  answered(budget, 51)
  expect(budget.allows).toBe(true)
  answered(budget, 10_000)
  failed(budget, 5)
  expect(budget.allows).toBe(false)
})

test('without a bound everything may be tried again', () => {
  const budget = new RetryBudget(Number.POSITIVE_INFINITY)
  failed(budget, 1_000_000)
  expect(budget.allows).toBe(true)
})
