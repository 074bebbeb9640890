import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { isExact } from './json-exactness.ts'
import { parseJsonText } from './json-input.ts'

function refusalOf(text: string): GridError {
  try {
    parseJsonText(text)
  } catch (error) {
    if (error instanceof GridError) return error
    throw error
  }
  throw new Error(`was accepted: ${text}`)
}

describe('numbers', () => {
  test.each(['0', '-0', '0.0', '1.50', '100e-2', '1E+2', '0.1', '5e-324', '0.30000000000000004'])(
    '%s is taken',
    (number) => expect(parseJsonText(`[${number}]`)).toEqual([Number(number)]),
  )

  test.each([
    '0.1234567890123456789',
    '0.10000000000000001',
    '1.0000000000000000001',
    '9007199254740991.2',
    '1e-400',
    '7e-324',
    '0.3000000000000000444',
    `0.${'0'.repeat(400)}1`,
  ])('%s is refused, with its place', (number) => {
    const refusal = refusalOf(`{"lines":[{"price":1},{"price":${number}}]}`)
    expect(refusal.code).toBe('invalid_input')
    expect(refusal.details.errors).toEqual([
      { path: 'lines.1.price', message: expect.stringContaining('a double holds') },
    ])
  })

  test('are taken exactly when the double says the same', () =>
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.integer({ min: 0, max: 330 }),
        (digits, shift) => {
          const text = `${digits}e-${shift}`
          const value = Number(text)
          const [, sign = '', whole = '', fraction = '', exponent = '0'] =
            /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/.exec(String(value)) ?? []
          const back = BigInt(sign + whole + fraction)
          const backShift = fraction.length - Number(exponent)
          const same = digits * 10n ** BigInt(400 - shift) === back * 10n ** BigInt(400 - backShift)
          expect(isExact(text)).toBe(same)
        },
      ),
      { numRuns: 1000 },
    ))
})

/**
 * Writes a value as JSON in one of the ways it can be written, with what is put in at one place of
 * it.
 */
interface Manner {
  readonly space: string
  readonly escape: boolean
}

const manners = fc.record<Manner>({ space: fc.constantFrom('', ' ', '\n  '), escape: fc.boolean() })

function written(value: unknown, manner: Manner): string {
  const { space } = manner
  if (typeof value === 'string') {
    const text = JSON.stringify(value)
    return manner.escape ? text.replace(/[a-z:]/g, escaped) : text
  }
  if (Array.isArray(value))
    return `[${value.map((item) => space + written(item, manner)).join(',')}${space}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, child]) => `${space}${written(name, manner)}${space}:${space}${written(child, manner)}`,
  )
  return `{${members.join(',')}${space}}`
}

const escaped = (letter: string, at: number, text: string) =>
  // The letter of an escape sequence stays.
  text[at - 1] === '\\' ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`

const name = fc.string({ unit: fc.constantFrom(...'ab:"\\é{,'), maxLength: 3 })
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(name, fc.integer(), fc.constantFrom(1000, 12.5, 0.001, 1_893_456_000_000, true, null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

test('a name is what was written, whatever the engine has read before', () => {
  expect(parseJsonText('{"\\\\":1}')).toEqual({ '\\': 1 })
  expect(parseJsonText('{"\\u0061":1}')).toEqual({ a: 1 })
  expect(parseJsonText('{"in":{"\\\\":1}}')).toEqual({ in: { '\\': 1 } })
  expect(parseJsonText('{"in":{"\\"":1}}')).toEqual({ in: { '"': 1 } })
})

describe('whatever JSON a body is', () => {
  test('nothing of it is lost', () =>
    fc.assert(
      fc.property(value, manners, (given, manner) => {
        expect(parseJsonText(written(given, manner))).toEqual(given)
      }),
      { numRuns: 1000 },
    ))

  test('a name that is given twice is refused, with its place', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        value,
        manners,
        (members, place, second, manner) => {
          const [[twice]] = [members[place % members.length] as [string, unknown]]
          const all = [...new Map(members), [twice, second] as const]
          const text = all.map(
            ([key, child]) => `${written(key, manner)}:${written(child, manner)}`,
          )
          const refusal = refusalOf(`{"in":[0,{${text.join(', ')}}]}`)
          expect(refusal.details.errors).toEqual([
            { path: `in.1.${twice}`, message: 'is given more than once' },
          ])
        },
      ),
      { numRuns: 500 },
    ))

  test('digits that would be lost are refused, with their place', () =>
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 3 }),
        fc.constantFrom('1.00000000000000000001', '1e-400', '0.12345678901234567891', '7e-324'),
        manners,
        (before, number, manner) => {
          const items = [...before.map((item) => written(item, manner)), number]
          const refusal = refusalOf(`{"in":[${items.join(`,${manner.space}`)}]}`)
          expect(refusal.details.errors).toEqual([
            { path: `in.${before.length}`, message: expect.stringContaining(number) },
          ])
        },
      ),
      { numRuns: 300 },
    ))
})
