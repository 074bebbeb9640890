import { MongoError } from 'mongodb'
import { expect, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { toStoreError } from './mongo-faults.ts'

test('a connection that ends while the driver writes to it is a fault of the world, not a bug', () => {
  // As Node throws it, and the driver lets it pass as it is, when MongoDB is killed at that
  // instant.
  const ended = Object.assign(new Error('This socket has been ended by the other party'), {
    code: 'EPIPE',
  })
  for (const error of [ended, new MongoError('connection 1 closed')])
    expect(isGridError(toStoreError(error, 'Reading'), 'store_unavailable')).toBe(true)
})

test('a bug stays what it is', () => {
  const bug = new TypeError('undefined is not a function')
  expect(toStoreError(bug, 'Reading')).toBe(bug)
})
