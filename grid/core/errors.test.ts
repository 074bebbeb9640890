import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorKinds, GridError, isGridError, Rejection } from './errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const documented = [
  ...page.matchAll(/^\| `(\w+)` \| (\d+) \| ([a-z ]+) \| (.+) \| (.+) \|$/gm),
].map(([, code, status, again, meaning, advice]) => ({ code, status, again, meaning, advice }))

describe('docs/errors.md and the registry', () => {
  test('name the same codes, each once, in the same order', () => {
    expect(documented.map(({ code }) => code)).toEqual(Object.keys(errorKinds))
  })

  test.each(documented)('agree on $code', ({ code, status, again }) => {
    const kind = errorKinds[code as ErrorCode]
    expect(Number(status)).toBe(kind.status)
    expect(again !== 'no').toBe(kind.retryable)
  })
})

describe('GridError', () => {
  test('takes status and retryability from its code', () => {
    const error = new GridError('overloaded', 'Too busy', { retryAfterMs: 200 })
    expect(error).toMatchObject({ status: 503, retryable: true, retryAfterMs: 200, details: {} })
    expect(isGridError(error)).toBe(true)
    expect(isGridError(error, 'contended')).toBe(false)
    expect(isGridError(new Error('Too busy'))).toBe(false)
  })

  test('keeps what caused it, and has no cause when there is none', () => {
    const cause = new Error('socket closed')
    expect(new GridError('log_unavailable', 'No log', { cause }).cause).toBe(cause)
    expect('cause' in new GridError('log_unavailable', 'No log')).toBe(false)
  })

  test('a rejection carries its reason', () => {
    const rejection = new Rejection('sold_out', { section: 'A' })
    expect(rejection).toMatchObject({
      code: 'rejected',
      status: 409,
      retryable: false,
      reason: 'sold_out',
      details: { section: 'A' },
    })
  })
})
