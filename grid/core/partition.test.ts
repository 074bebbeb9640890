import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from './crc32.ts'
import { logNameOf, logNamesOf, partitionOf, spaceOf } from './log-name.ts'
import { hashBy, hashOfId, idWithHash, partitionHash, partitionOfHash } from './partition.ts'

describe('the hash of a partition key', () => {
  test('of what stands before a separator is that of this text', () => {
    const by = { fields: ['key'], isId: false, until: '/' }
    const whole = { fields: ['event'], isId: false }
    for (const [key, event] of [
      ['concert/A-1', 'concert'],
      ['concert', 'concert'],
      ['/x', ''],
      ['a/b/c', 'a'],
    ])
      expect(hashBy(by, { key }, 'x')).toBe(hashBy(whole, { event }, 'x'))
  })

  test('is CRC-32 of its text, as every language has it', () => {
    expect(partitionHash(['123456789'])).toBe(0xcbf43926)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => crc32(text) === zlibCrc32(text)),
    )
  })

  test('of a number, a boolean or several fields is that of their JSON', () => {
    expect(partitionHash([7])).toBe(zlibCrc32('7'))
    expect(partitionHash([true])).toBe(zlibCrc32('true'))
    expect(partitionHash(['a', 7])).toBe(zlibCrc32('["a",7]'))
    expect(partitionHash(['a"b'])).toBe(zlibCrc32('a"b'))
  })

  test('spreads keys that differ in their last digits', () => {
    const counts = new Array<number>(16).fill(0)
    for (let n = 0; n < 16_000; n++) counts[partitionOfHash(partitionHash([`event-${n}`]), 16)]!++
    expect(Math.min(...counts)).toBeGreaterThan(900)
    expect(Math.max(...counts)).toBeLessThan(1100)
  })
})

describe('an id', () => {
  test('carries the hash of the key it was made for', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (hash) => {
        const id = idWithHash('abcdefghijklmnopqrstuv', hash)
        return /^abcdefghijklmnop[0-9A-Za-z]{6}$/.test(id) && hashOfId(id) === hash
      }),
    )
  })

  test('of another form, or with a hash that is none, carries nothing', () => {
    expect(hashOfId('')).toBeUndefined()
    expect(hashOfId('abcdefghijklmnop00000-')).toBeUndefined()
    expect(hashOfId('abcdefghijklmnopzzzzzz')).toBeUndefined()
    expect(hashOfId('abcdefghijklmnop0000000')).toBeUndefined()
  })
})

describe('what a value is partitioned by', () => {
  const byId = { fields: ['holdId'], isId: true }

  test('are its fields', () => {
    const by = { fields: ['eventId', 'day'], isId: false }
    expect(hashBy(by, { eventId: 'e', day: 3, more: 1 }, 'it')).toBe(zlibCrc32('["e",3]'))
  })

  test('is the hash in its id', () => {
    expect(hashBy(byId, { holdId: idWithHash('x'.repeat(22), 77) }, 'it')).toBe(77)
  })

  test.each([
    [{ fields: ['eventId'], isId: false }, {}],
    [{ fields: ['eventId'], isId: false }, { eventId: 1.5 }],
    [{ fields: ['eventId'], isId: false }, { eventId: null }],
    [byId, { holdId: 'made up' }],
    [byId, { holdId: 5 }],
  ])('%j of %j is not there, and the field is named', (by, value) => {
    expect(() => hashBy(by, value, 'command it')).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        details: { errors: [{ path: by.fields[0], message: expect.any(String) }] },
      }),
    )
  })
})

test('a log is named by its space, and its partition if there are several', () => {
  expect(logNamesOf('ticketing', 1)).toEqual(['ticketing'])
  expect(logNamesOf('ticketing', 2)).toEqual(['ticketing.0', 'ticketing.1'])
  expect(spaceOf('ticketing.17')).toBe('ticketing')
  expect(partitionOf('ticketing.17')).toBe(17)
  expect(spaceOf('ticketing')).toBe('ticketing')
  expect(partitionOf('ticketing')).toBeUndefined()
  expect(logNameOf('ticketing', 0)).toBe('ticketing.0')
})
