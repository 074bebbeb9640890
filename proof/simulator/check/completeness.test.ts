import { expect, test } from 'vitest'
import { neverHappened } from './completeness.ts'

test('what never happened is named, whichever component it should have happened to', () => {
  const missing = neverHappened(
    new Map([
      ['fault: zombie writer', 1],
      ['rehydrated from log', 2],
    ]),
  )
  expect(missing).toContain('fault: crash')
  expect(missing).toContain('rehydrated from peer')
  expect(missing).toContain('workload: bank')
  expect(missing).not.toContain('fault: zombie')
  expect(missing).not.toContain('rehydrated from log')
})
