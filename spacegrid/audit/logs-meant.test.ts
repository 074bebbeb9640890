import { expect, test } from 'vitest'
import { logsMeant } from './logs-meant.ts'

const known = ['auction', 'ticketing.0', 'ticketing.1', 'ticketing.2']

test.each([
  [undefined, known],
  [['ticketing'], ['ticketing.0', 'ticketing.1', 'ticketing.2']],
  [['ticketing.1'], ['ticketing.1']],
  [
    ['ticketing.1', 'ticketing', 'auction'],
    ['ticketing.1', 'ticketing.0', 'ticketing.2', 'auction'],
  ],
  // Whoever works with it says that there is none.
  [['other'], ['other']],
])('--space %s means %s', (names, meant) => {
  expect(logsMeant(names, known)).toEqual(meant)
})

test('a space that was kept in one log beside partitions of it is itself', () => {
  expect(logsMeant(['ticketing'], ['ticketing', 'ticketing.0'])).toEqual(['ticketing'])
})
