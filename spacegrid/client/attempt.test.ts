import { describe, expect, it } from 'vitest'
import { attemptOf } from './attempt.ts'

const response = (status: number, text: string) => ({ status, text, header: () => undefined })
const problem = (code: string, more = {}): string => JSON.stringify({ code, ...more })

describe('attemptOf', () => {
  it('takes 200 for done, with its result', () => {
    expect(attemptOf(response(200, '{"result":{"orderId":"o1"},"position":7}'), undefined)).toEqual(
      {
        answer: { kind: 'accepted', result: { orderId: 'o1' }, position: 7, attempts: 1 },
        retryable: false,
      },
    )
  })

  it.each([
    problem('rejected', { reason: 'sold_out', section: 'A' }),
    JSON.stringify({ error: { code: 'rejected', reason: 'sold_out', section: 'A' } }),
  ])('takes 409 for a final refusal: %s', (body) => {
    const { answer, retryable } = attemptOf(response(409, body), undefined)
    expect(answer).toMatchObject({
      kind: 'rejected',
      reason: 'sold_out',
      details: { section: 'A' },
    })
    expect(retryable).toBe(false)
  })

  it('takes 503 for shed: nothing has happened, come back later', () => {
    expect(attemptOf(response(503, problem('overloaded')), 2000)).toEqual({
      answer: {
        kind: 'shed',
        reason: 'HTTP 503 overloaded',
        problem: {
          code: 'overloaded',
          detail: 'HTTP 503 overloaded',
          details: { code: 'overloaded' },
        },
        outcomeUnknown: false,
        attempts: 1,
      },
      retryable: true,
      retryAfterMs: 2000,
    })
  })

  it.each([
    [504, true],
    [502, true],
    [500, false],
  ])('takes %i for unknown', (status, retryable) => {
    const attempt = attemptOf(response(status, '<html>Bad gateway</html>'), undefined)
    expect(attempt.answer).toMatchObject({ kind: 'failed', status, outcomeUnknown: true })
    expect(attempt.retryable).toBe(retryable)
  })

  it.each([400, 404, 413, 422, 507])(
    'takes %i for failed: trying again would not help',
    (status) => {
      const attempt = attemptOf(response(status, problem('some_code')), undefined)
      expect(attempt.answer).toMatchObject({
        kind: 'failed',
        reason: `HTTP ${status} some_code`,
        outcomeUnknown: false,
      })
      expect(attempt.retryable).toBe(false)
    },
  )
})
