import { expect, test } from 'vitest'
import { waitUntil } from './wait-until.ts'

test('gives what the condition gives once it is met', async () => {
  const answers = [undefined, 0, 'here']
  const options = { timeoutMs: 1000, what: 'an answer', intervalMs: 0 }
  expect(await waitUntil(() => answers.shift(), options)).toBe('here')
})

test('takes an error for not yet, and names the last one when time runs out', async () => {
  const refuse = () => {
    throw new Error('connection refused')
  }
  await expect(waitUntil(refuse, { timeoutMs: 0, what: 'the server' })).rejects.toThrow(
    'Gave up waiting for the server after 0 ms: connection refused',
  )
})
