import { expect, test } from 'vitest'
import { GridError } from '../core/errors.ts'
import { RefusedMessages } from './refused-messages.ts'

const none = new GridError('record_damaged', 'It is none')

test('what is refused is told once a minute for each subject, with how many there were', () => {
  let now = 0
  const told: string[] = []
  const refused = new RefusedMessages(
    () => now,
    (_, subject, count) => told.push(`${subject} ${count}`),
  )
  for (let i = 0; i < 5; i++) refused.note(none, 'one')
  refused.note(none, 'other')
  now = 59_999
  refused.note(none, 'one')
  now = 60_000
  refused.note(none, 'one')
  expect(told).toEqual(['one 1', 'other 1', 'one 6'])
  expect(refused.count).toBe(8)
})

test('subjects without number take no memory without bound, and few lines', () => {
  const told: string[] = []
  const refused = new RefusedMessages(
    () => 0,
    (_, subject) => told.push(subject),
  )
  for (let i = 0; i < 10_000; i++) refused.note(none, `subject ${i}`)
  expect(told.length).toBeLessThan(300)
  expect(refused.count).toBe(10_000)
})

test('an answer that is an error is no refused message', () => {
  const refused = new RefusedMessages(() => 0)
  refused.refusedRequest(new GridError('overloaded', 'Later'), 'subject')
  expect(refused.count).toBe(0)
  refused.refusedRequest(none, 'subject')
  expect(refused.count).toBe(1)
})
