import { describe, expect, test } from 'vitest'
import { GridError, Rejection } from '../../core/errors.ts'
import { publicError } from './public-error.ts'

describe('publicError', () => {
  const told: object[] = []
  const log = { error: (fields: object) => void told.push(fields) }

  test('passes what is meant for callers', () => {
    const error = new GridError('overloaded', 'Too much', { retryAfterMs: 5 })
    expect(publicError(error, log)).toBe(error)
    expect(told).toEqual([])
  })

  test("a rejection's reason cannot be replaced by its details", () => {
    const rejection = new Rejection('sold_out', { section: 'A', reason: 'other' })
    expect(publicError(rejection, log)).toMatchObject({
      code: 'rejected',
      details: { section: 'A', reason: 'sold_out' },
    })
  })

  test.each(['log_unavailable', 'log_full', 'store_unavailable', 'image_unavailable'] as const)(
    '%s is told without what a driver said',
    (code) => {
      const details = { server: '10.0.0.5:4222' }
      const error = new GridError(code, 'connect 10.0.0.5:4222', { details, retryAfterMs: 1000 })
      const shown = publicError(error, log)
      expect(shown).toMatchObject({ code, details: {}, retryAfterMs: 1000, cause: error })
      expect(shown.message).not.toContain('10.0.0.5')
    },
  )

  test.each([
    new TypeError('secret'),
    new GridError('stale_writer', 'secret'),
    'secret',
    undefined,
  ])('anything else is logged, and only its id is told: %s', (error) => {
    told.length = 0
    const shown = publicError(error, log)
    expect(shown.code).toBe('internal')
    expect(shown.message).not.toContain('secret')
    expect(shown.cause).toBeUndefined()
    expect(told).toEqual([{ err: error, id: shown.details.id }])
  })
})
