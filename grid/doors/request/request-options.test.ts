import { describe, expect, test } from 'vitest'
import { executeOptions, readOptions } from './request-options.ts'

describe('executeOptions', () => {
  test('asks for nothing when there is no header', () => {
    expect(executeOptions(undefined, undefined)).toEqual({})
  })

  test.each([
    ['ack=committed', 'committed'],
    ['ACK=persisted', 'persisted'],
    ['ack="accepted"', 'accepted'],
    ['respond-async, ack = persisted; x=1, ack=accepted', 'persisted'],
    ['note="a, ack=accepted; b", ack=persisted', 'persisted'],
    ['note="\\", ack=accepted", ack="per\\sisted"', 'persisted'],
  ])('Prefer: %s', (prefer, acknowledge) => {
    expect(executeOptions(undefined, prefer)).toEqual({ acknowledge })
  })

  test.each(['', 'respond-async', 'wait=100', 'note="a, ack=accepted', 'x; ack=persisted'])(
    'Prefer: %s says nothing to us',
    (prefer) => {
      expect(executeOptions(undefined, prefer)).toEqual({})
    },
  )

  test.each(['ack=maybe', 'ack', 'ack=', 'ack=COMMITTED'])('Prefer: %s is refused', (prefer) => {
    expect(() => executeOptions(undefined, prefer)).toThrow(
      expect.objectContaining({
        code: 'invalid_header',
        details: { header: 'Prefer', allowed: 'ack=accepted, ack=committed, ack=persisted' },
      }),
    )
  })

  test('takes idempotency keys of 1 to 255 characters', () => {
    for (const idempotencyKey of ['k', 'x'.repeat(255), '"a-b c"'])
      expect(executeOptions(idempotencyKey, undefined)).toEqual({ idempotencyKey })
  })

  test.each(['', 'x'.repeat(256), 'schlüssel', 'a\tb'])('refuses the idempotency key %j', (key) => {
    expect(() => executeOptions(key, undefined)).toThrow(
      expect.objectContaining({ code: 'invalid_header' }),
    )
  })
})

describe('readOptions', () => {
  test.each([
    [undefined, undefined, {}],
    ['1', undefined, { position: 1 }],
    ['9007199254740991', 'latest', { position: 9007199254740991, latest: true }],
    [undefined, 'Latest', { latest: true }],
  ])('Grid-Position: %s, Grid-Consistency: %s', (position, consistency, options) => {
    expect(readOptions({ position, consistency })).toEqual(options)
  })

  test.each([
    ['2s', 2000],
    ['500ms', 500],
    ['0s', 0],
    ['1.5s', 1500],
    ['999999999ms', 999_999_999],
  ])('Grid-Staleness: %s', (staleness, stalenessMs) => {
    expect(readOptions({ staleness })).toEqual({ stalenessMs })
  })

  test.each([
    ['2s', 2000],
    ['0.5s', 500],
    ['250ms', 250],
    ['0s', 0],
  ])('Grid-Timeout: %s', (timeout, withinMs) => {
    expect(executeOptions(undefined, undefined, undefined, timeout)).toEqual({ withinMs })
  })

  test.each(['', '2', '-1s', 'soon'])('refuses Grid-Timeout: %j', (timeout) => {
    expect(() => executeOptions(undefined, undefined, undefined, timeout)).toThrow(
      expect.objectContaining({
        code: 'invalid_header',
        details: { header: 'Grid-Timeout', allowed: expect.stringContaining('2s, 500ms') },
      }),
    )
  })

  test.each(['', '2', '-1s', '1m', '2 s', 's', '1e3s', '2s, 3s', '0x1s', '.5s'])(
    'refuses Grid-Staleness: %j',
    (staleness) => {
      expect(() => readOptions({ staleness })).toThrow(
        expect.objectContaining({
          code: 'invalid_header',
          details: { header: 'Grid-Staleness', allowed: expect.stringContaining('2s, 500ms') },
        }),
      )
    },
  )

  test.each(['', '-0', '-1', '1e3', '+1', ' 1', '01', 'abc', '9007199254740992', '1, 2'])(
    'refuses Grid-Position: %j',
    (position) => {
      expect(() => readOptions({ position })).toThrow(
        expect.objectContaining({
          code: 'invalid_header',
          details: {
            header: 'Grid-Position',
            allowed: expect.stringContaining('a whole number below 2^53'),
          },
        }),
      )
    },
  )

  test('refuses a consistency it does not know', () => {
    expect(() => readOptions({ consistency: 'eventual' })).toThrow(
      /^Grid-Consistency: allowed is latest$/,
    )
  })
})
