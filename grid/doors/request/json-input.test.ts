import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { jsonDepthMax, parseJsonInput } from './json-input.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parseJsonInput(encode(text))

function refusalOf(input: string | Uint8Array): GridError {
  try {
    parseJsonInput(typeof input === 'string' ? encode(input) : input)
  } catch (error) {
    if (error instanceof GridError) return error
    throw error
  }
  throw new Error('was accepted')
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('parseJsonInput', () => {
  test('returns what JSON.parse returns for everything the grid keeps', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary', maxDepth: 6 }), (text) => {
        fc.pre(!/__proto__|constructor|prototype|\\u0000|\\ud[89a-f]|e[+-]|[.\d]{16}/i.test(text))
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('takes the greatest and the least exact integer, fractions and small exponents', () => {
    const text = `[${Number.MAX_SAFE_INTEGER}, ${Number.MIN_SAFE_INTEGER}, 0.1, 1e-7, 1e3, -0]`
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test.each([
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '1e16',
    '1e400',
    '-1e400',
  ])('names the field of a number that would lose digits: %s', (number) => {
    const refusal = refusalOf(`{"seats":[{"price":1},{"price":${number}}]}`)
    expect(refusal.code).toBe('invalid_input')
    expect(refusal.details.errors).toEqual([
      { path: 'seats.1.price', message: expect.stringContaining('9007199254740991') },
    ])
  })

  test.each([
    ['{"a":"\\ud800"}', 'a', 'lone surrogate'],
    ['{"a":["x","\\udc00x"]}', 'a.1', 'lone surrogate'],
    ['{"\\ud800":1}', '\ufffd', 'lone surrogate'],
    ['{"a":{"b\\u0000":1}}', 'a.b\0', 'U+0000'],
    ['{"__proto__":{"admin":true}}', '__proto__', 'reserved'],
    ['{"a":{"constructor":{}}}', 'a.constructor', 'reserved'],
    ['{"a":{"\\u005f_proto__":1}}', 'a.__proto__', 'reserved'],
    ['"\\udfff"', '', 'lone surrogate'],
  ])('refuses %s', (text, path, reason) => {
    const refusal = refusalOf(text)
    expect(refusal.code).toBe('invalid_input')
    expect(refusal.details.errors).toEqual([{ path, message: expect.stringContaining(reason) }])
    expect(refusal.message.isWellFormed()).toBe(true)
  })

  test('takes surrogate pairs and escaped U+0000 in values: nothing is lost there', () => {
    expect(parse('{"a":"\\ud83c\\udfab","b":"x\\u0000"}')).toEqual({ a: '🎫', b: 'x\0' })
  })

  test('limits nesting', () => {
    expect(parse(nested(jsonDepthMax))).toEqual(JSON.parse(nested(jsonDepthMax)))
    expect(refusalOf(nested(jsonDepthMax + 1)).message).toContain('64 levels')
    expect(refusalOf(nested(100_000)).code).toBe('invalid_input')
  })

  test('says where JSON breaks', () => {
    const refusal = refusalOf('{\n  "a": 1,\n  b: 2\n}')
    expect(refusal.code).toBe('invalid_json')
    expect(refusal.details).toEqual({ line: 3, column: 3, position: 14 })
    expect(refusal.message).toMatch(/^Line 3, column 3: unexpected 'b', expected a member name/)
  })

  test('says where bytes stop being UTF-8', () => {
    const refusal = refusalOf(Uint8Array.from([...encode('{"é":"'), 0xff, ...encode('"}')]))
    expect(refusal.code).toBe('invalid_json')
    expect(refusal.details).toEqual({ position: 7 })
  })

  test('refuses an empty body and a byte order mark', () => {
    expect(refusalOf('').message).toBe('The body is empty, expected a JSON object')
    expect(refusalOf('\ufeff{}').details).toMatchObject({ position: 0 })
  })

  test('answers or refuses any bytes, with a code of its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          parseJsonInput(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(GridError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
