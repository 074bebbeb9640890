import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findSyntaxFault } from './json-syntax.ts'

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('findSyntaxFault', () => {
  test.each([
    ['', 1, 1, 'the text ends, expected a value'],
    ['{"a":1,}', 1, 8, `unexpected '}', expected a member name in double quotes`],
    ['{a:1}', 1, 2, `unexpected 'a', expected a member name in double quotes or "}"`],
    ['{"a" 1}', 1, 6, `unexpected '1', expected ":"`],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, `unexpected '"', expected "," or "}"`],
    ['[1, 2', 1, 6, 'the text ends, expected "," or "]"'],
    ['[1,]', 1, 4, `unexpected ']', expected a value`],
    ['{"a":x}', 1, 6, `unexpected 'x', expected a value`],
    ['{"a":1} x', 1, 9, `unexpected 'x', expected the end`],
    ['01', 1, 2, `unexpected '1', expected the end`],
    ['"a\\x"', 1, 3, `unexpected '\\', expected an escape sequence`],
    ['"a\nb"', 1, 3, 'unexpected U+000A, expected the string to go on or end'],
    ['\ufeff{}', 1, 1, 'unexpected U+FEFF, expected a value'],
    ['NaN', 1, 1, `unexpected 'N', expected a value`],
  ])('%j', (text, line, column, problem) => {
    expect(findSyntaxFault(text)).toMatchObject({ line, column, problem })
  })

  test('finds a fault exactly when JSON.parse does', () => {
    const nearJson = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0019e+-.tnfalsr \n\u0007\u0085\ud800é') }),
      fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, more]) => {
        const cut = at % (json.length + 1)
        return json.slice(0, cut) + more + json.slice(cut + more.length)
      }),
    )
    fc.assert(
      fc.property(nearJson, (text) => {
        const fault = findSyntaxFault(text)
        expect(fault === undefined).toBe(parses(text))
        // Everything before the fault may still become JSON: cut there, the fault is that the text
        // ends.
        if (fault)
          expect(findSyntaxFault(text.slice(0, fault.position))?.problem ?? 'complete').toMatch(
            /^the text ends|^complete$/,
          )
      }),
      { numRuns: 3000 },
    )
  })

  test('does not run out of stack', () => {
    expect(findSyntaxFault('['.repeat(200_000))?.position).toBe(200_000)
  })
})
